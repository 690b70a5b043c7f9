"""The queues under test: how each is prepared, filled and worked, and how it
shows that its completions have reached its store.

Every queue has the same shape. A producer takes `enqueue N [--bulk]` (prints
{"seconds": ...}) or `enqueue-paced N --gap-ms G`. A peer's worker runs until it
is told to stop, and the benchmark watches its records and its store; ours ends
by itself after N committed completions (see ours())."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
REPOSITORY = BENCH.parent.parent
OURS = "ours"

# Moves a part of apalis-redis' scheduled jobs to its active list, as its own
# promotion fails when more than about 7,990 are due at once.
PROMOTE = """
local ids = redis.call('zrange', 'bench:scheduled', 0, 4999)
if #ids > 0 then
  redis.call('rpush', 'bench:active', unpack(ids))
  redis.call('zrem', 'bench:scheduled', unpack(ids))
end
return #ids
"""


@dataclass(frozen=True)
class Queue:
    """A queue under test. `store` is where its jobs live: redis or postgres.

    `settled` says whether the store has every completion of a backlog of N;
    None means that nothing is left to write when a handler ends, because the
    queue forgets a job when it hands it out."""

    name: str
    settings: str
    store: str
    producer: list[str]
    worker: list[str]
    idle_worker: list[str]
    folder: Path
    group: str
    has_bulk: bool = False
    prepare: list[str] | None = None
    settled: Callable | None = None
    ready_backlog: Callable | None = None
    ends_itself: bool = False

    @property
    def database(self):
        """The database of its own, if its jobs live in Postgres."""
        return f"bench_{self.name}" if self.store == "postgres" else None

    def missing(self, installed):
        """Why it cannot run here, or None."""
        if self.group == OURS and not shutil.which(self.producer[0]):
            return "it is not built (cargo build --release --bin queue-bench)"
        for command in (self.producer, self.worker):
            if not shutil.which(command[0]):
                return _reason(installed, self.group) or f"{command[0]} is not there (run tests/bench/install)"
        if self.group == "node" and not (shutil.which("node") and (installed / "node" / "node_modules").is_dir()):
            return _reason(installed, self.group) or "Node or its npm packages are not there (run tests/bench/install)"
        return None


def ours():
    """Our own queue; the only place that knows the command line of queue-bench.

    `prepare` creates and migrates the database in DATABASE_URL. `work` and
    `idle-work` take --expect N, end when N completions are committed, and print
    {"seconds": ...} from the first handler start to the last commit."""
    binary = str(REPOSITORY / "target" / "release" / "queue-bench")
    return Queue(
        name=OURS,
        settings="ledger in Postgres, dispatch in Redis, every result kept",
        store="postgres",
        producer=[binary],
        worker=[binary, "work"],
        idle_worker=[binary, "idle-work"],
        folder=REPOSITORY,
        group=OURS,
        has_bulk=True,
        prepare=[binary, "prepare"],
        ends_itself=True,
    )


def peers(installed):
    """The peers in the order in which a round runs them; `installed` is the
    folder that tests/bench/install filled."""
    return [
        _node("graphile_worker", installed, "postgres", "concurrency 24, local queue 500, completions batched",
              prepare=True, idle=["--prompt"], settled=_graphile_settled),
        _node("bullmq", installed, "redis", "concurrency 100",
              settled=lambda servers, _, count: servers.redis("zcard", "bull:bench:completed") >= count),
        _node("bee_queue", installed, "redis", "concurrency 100",
              settled=lambda servers, _, count: servers.redis("scard", "bq:bench:succeeded") >= count),
        _sidekiq(),
        _celery(installed),
        _dramatiq(installed),
        _procrastinate(installed),
        _rust("rusty_sidekiq", installed, "20 workers"),
        _rust("apalis_redis", installed, "polled every 50 ms, batches of 100", has_bulk=True,
              settled=lambda servers, _, count: servers.redis("scard", "bench:done") >= count,
              ready_backlog=_promote),
    ]


def _node(name, installed, store, settings, settled, prepare=False, idle=()):
    # `env` carries the packages' folder, which is not beside the scripts.
    script = ["env", f"NODE_PATH={installed}/node/node_modules", "node", f"{name}.js"]
    return Queue(
        name=name, settings=settings, store=store, group="node", has_bulk=True, settled=settled,
        folder=BENCH / "peers" / "node",
        prepare=[*script, "prepare"] if prepare else None,
        producer=script, worker=[*script, "work"], idle_worker=[*script, "work", *idle],
    )


def _sidekiq():
    worker = ["sidekiq", "-q", "default", "-r", "./noop.rb", "-c", "10"]
    return Queue(
        name="sidekiq", settings="-c 10", store="redis", group="sidekiq", has_bulk=True,
        folder=BENCH / "peers" / "ruby",
        producer=["ruby", "-W0", "enqueue.rb"], worker=worker, idle_worker=worker,
    )


def _celery(installed):
    programs = installed / "celery" / "bin"
    worker = [str(programs / "celery"), "-A", "celery_peer", "worker", "-l", "ERROR"]
    return Queue(
        name="celery", settings="prefork -c 2 (single jobs: threads -c 10), results kept", store="redis",
        group="celery", settled=_celery_settled, folder=BENCH / "peers" / "python",
        producer=[str(programs / "python"), "celery_peer.py"],
        worker=[*worker, "-P", "prefork", "-c", "2"], idle_worker=[*worker, "-P", "threads", "-c", "10"],
    )


def _dramatiq(installed):
    programs = installed / "dramatiq" / "bin"
    worker = [str(programs / "dramatiq"), "-p", "1", "-t", "8", "dramatiq_peer"]
    return Queue(
        name="dramatiq", settings="-p 1 -t 8", store="redis", group="dramatiq",
        settled=lambda servers, *_: servers.redis("hlen", "dramatiq:default.msgs") == 0,
        folder=BENCH / "peers" / "python",
        producer=[str(programs / "python"), "dramatiq_peer.py"], worker=worker, idle_worker=worker,
    )


def _procrastinate(installed):
    programs = installed / "procrastinate" / "bin"
    python = str(programs / "python")
    producer = [python, "procrastinate_peer.py"]
    # As a module, so that it finds the app in the folder where it runs.
    worker = [python, "-m", "procrastinate", "--app", "procrastinate_peer.app", "worker", "--concurrency", "20"]
    return Queue(
        name="procrastinate", settings="concurrency 20, jobs kept", store="postgres", group="procrastinate",
        has_bulk=True, settled=_procrastinate_settled, folder=BENCH / "peers" / "python",
        prepare=[*producer, "prepare"], producer=producer, worker=worker, idle_worker=worker,
    )


def _rust(name, installed, settings, **more):
    binary = str(installed / "target" / "release" / f"{name}_peer")
    return Queue(
        name=name, settings=settings, store="redis", group="rust", folder=BENCH / "peers" / "rust",
        producer=[binary], worker=[binary, "work"], idle_worker=[binary, "work"], **more,
    )


# graphile-worker deletes a job when it completes it.
def _graphile_settled(_servers, session, _count):
    return session.value("select not exists (select from graphile_worker._private_jobs)") == "t"


def _procrastinate_settled(_servers, session, _count):
    return session.value("select not exists (select from procrastinate_jobs where status in ('todo', 'doing'))") == "t"


# Each finished task leaves a result key of its own beside a few bookkeeping keys.
def _celery_settled(servers, _session, count):
    waiting = servers.redis("llen", "celery") + servers.redis("hlen", "unacked")
    return waiting == 0 and servers.redis("dbsize") >= count


def _promote(servers):
    while servers.redis("eval", PROMOTE, 0):
        pass


def _reason(installed, group):
    note = installed / f"{group}.skipped"
    return note.read_text().strip() if note.exists() else None
