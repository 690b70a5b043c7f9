"""How much processor time other machines on the same host took from this one.

A virtual machine whose host is busy stands still without knowing it; the kernel
counts that time as stolen (`steal` in /proc/stat). A figure taken meanwhile says
something about the neighbours."""

# Above this share of all processor time a round is not to be trusted. What a
# quiet host takes is well below a hundredth.
TRUSTED_SHARE = 0.02


class Watch:
    """Measures from where it is made until it is asked."""

    def __init__(self, read=None):
        self._read = read or _read
        self._stolen, self._all = _times(self._read())

    def share(self):
        """The stolen share of all processor time since then, from 0 to 1."""
        stolen, everything = _times(self._read())
        passed = everything - self._all
        return (stolen - self._stolen) / passed if passed > 0 else 0.0


def _read():
    with open("/proc/stat") as source:
        return source.readline()


def _times(line):
    """(stolen, all) of the line `cpu user nice system idle iowait irq softirq
    steal guest guest_nice`; guests are part of user and nice already."""
    fields = [int(field) for field in line.split()[1:9]]
    return (fields[7] if len(fields) > 7 else 0), sum(fields)
