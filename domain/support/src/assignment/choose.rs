//! Who gets a ticket: a decision without a database, so that every rule of it can be tested.
//!
//! Who is eligible comes first: room for the ticket's units, the department, the language, and the skills until the
//! ticket has waited long. Among those the points decide: up to 100 for room (the share of the capacity that is left
//! once they have it), 50 for a senior when the customer's tier is high, 30 for the share of the skills that they have.
//! Of equals, who waited longest for a ticket gets it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::AgentId;
use serde::{Deserialize, Serialize};

use crate::order::Tier;

/// Points for a senior when the customer's tier is gold or platinum.
const SENIOR_POINTS: f64 = 50.0;
/// Points for having every skill of the ticket.
const SKILL_POINTS: f64 = 30.0;
/// What it costs to have just given the ticket away: it comes back only when nobody else may have it.
const GAVE_AWAY_POINTS: f64 = -1000.0;
/// How many candidates' scores are kept with a decision.
const SCORES_KEPT: usize = 100;

/// An agent who takes tickets at this moment.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Candidate {
    /// Who.
    pub id: AgentId,
    /// 0 agent, 1 senior, 2 leads.
    pub seniority: i16,
    /// Where they work.
    pub departments: Vec<String>,
    /// What they know.
    pub skills: Vec<String>,
    /// What they speak; none means any.
    pub languages: Vec<String>,
    /// Units that they may have.
    pub capacity: i32,
    /// Units that they have.
    pub load: i32,
    /// When they last got a ticket.
    pub last_assigned_at: Option<DateTime<Utc>>,
    /// When they became available.
    pub arrived_at: Option<DateTime<Utc>>,
    /// Units that they were given since.
    pub given_since_arrival: i32,
    /// Room is kept for a large ticket that waits at the head of the queue.
    #[sqlx(skip)]
    pub is_kept_free: bool,
}

/// A ticket that waits.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it weighs.
    pub units: i32,
    /// Its language, when it is known.
    pub language: Option<String>,
    /// The department that it was sent to.
    pub department: Option<String>,
    /// What it needs.
    pub skills: Vec<String>,
    /// How much its customer is worth, when that is known.
    pub tier: Option<Tier>,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Who gave it away last.
    pub given_away_by: Option<AgentId>,
}

/// How a newcomer is paced, and when skills relax.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From this waiting time on a ticket goes also to agents without its skills.
    pub relax_skills: TimeDelta,
    /// Units that a newcomer gets at once.
    pub newcomer_units: i32,
    /// After which time they get as many again.
    pub newcomer_every: TimeDelta,
}

/// Why somebody was not a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassedOver {
    /// They work elsewhere.
    Department,
    /// They do not speak it.
    Language,
    /// They lack a skill, and it has not waited long enough.
    Skills,
    /// They have no room for it.
    Full,
    /// Their room is kept for a larger ticket that comes first.
    KeptFree,
    /// They have just arrived and got their share.
    JustArrived,
}

/// What a candidate got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Who.
    pub agent_id: AgentId,
    /// The sum.
    pub points: f64,
    /// For room.
    pub room: f64,
    /// For being a senior.
    pub senior: f64,
    /// For skills.
    pub skills: f64,
    /// Units that they had.
    pub load: i32,
    /// Units that they may have.
    pub capacity: i32,
}

/// How a decision came about; the best candidate is first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Scores {
    /// The candidates with their points, the chosen one first, a hundred at most.
    pub candidates: Vec<Score>,
    /// How many agents were no candidates, by the reason.
    #[serde(default)]
    pub passed_over: BTreeMap<PassedOver, u32>,
}

/// Who gets it.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// The agent at this place.
    Agent(usize, Scores),
    /// Nobody can have it now; when somebody may without anything happening, at that time.
    Nobody(Option<DateTime<Utc>>),
}

/// Chooses among agents who take tickets. When all who could have it lack only room, the one with the most room is kept
/// free for it.
pub fn choose(wanted: &Wanted, agents: &mut [Candidate], pace: &Pace, now: DateTime<Utc>) -> Choice {
    let relaxes_at = wanted.since + pace.relax_skills;
    let mut passed_over = BTreeMap::new();
    let mut candidates = Vec::new();
    let mut again_at: Option<DateTime<Utc>> = None;
    let mut roomiest: Option<usize> = None;
    for (place, agent) in agents.iter().enumerate() {
        match why_not(wanted, agent, pace, now) {
            None => candidates.push((place, score(wanted, agent))),
            Some(why) => {
                *passed_over.entry(why).or_insert(0) += 1;
                match why {
                    PassedOver::Skills => again_at = earlier(again_at, relaxes_at),
                    PassedOver::JustArrived => again_at = earlier(again_at, next_share(agent, pace, now)),
                    PassedOver::Full => {
                        let room = |place: usize| agents[place].capacity - agents[place].load;
                        if roomiest.is_none_or(|most| room(place) > room(most)) {
                            roomiest = Some(place);
                        }
                    }
                    PassedOver::Department | PassedOver::Language | PassedOver::KeptFree => {}
                }
            }
        }
    }
    candidates.sort_by(|(a, left), (b, right)| {
        let (first, second) = (&agents[*a], &agents[*b]);
        right
            .points
            .total_cmp(&left.points)
            .then_with(|| first.last_assigned_at.cmp(&second.last_assigned_at))
            .then_with(|| first.id.cmp(&second.id))
    });
    let Some((best, _)) = candidates.first() else {
        if let Some(place) = roomiest {
            agents[place].is_kept_free = true;
        }
        return Choice::Nobody(again_at);
    };
    let best = *best;
    let scores = candidates.into_iter().map(|(_, score)| score).take(SCORES_KEPT).collect();
    Choice::Agent(best, Scores { candidates: scores, passed_over })
}

/// Gives a ticket of these units to a candidate, as the next choice has to see it.
pub fn give(agent: &mut Candidate, units: i32, now: DateTime<Utc>) {
    agent.load += units;
    agent.given_since_arrival += units;
    agent.last_assigned_at = Some(now);
}

/// Whether a choice could find anybody at all.
pub fn has_room(agent: &Candidate) -> bool {
    agent.load < agent.capacity && !agent.is_kept_free
}

fn earlier(one: Option<DateTime<Utc>>, other: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(one.map_or(other, |one| one.min(other)))
}

fn why_not(wanted: &Wanted, agent: &Candidate, pace: &Pace, now: DateTime<Utc>) -> Option<PassedOver> {
    if wanted.department.as_ref().is_some_and(|department| !names(&agent.departments, department)) {
        return Some(PassedOver::Department);
    }
    if !speaks(agent, wanted.language.as_deref()) {
        return Some(PassedOver::Language);
    }
    let lacks = wanted.skills.iter().any(|skill| !names(&agent.skills, skill));
    if lacks && now < wanted.since + pace.relax_skills {
        return Some(PassedOver::Skills);
    }
    if agent.load + wanted.units > agent.capacity {
        return Some(PassedOver::Full);
    }
    if agent.is_kept_free {
        return Some(PassedOver::KeptFree);
    }
    if let Some(allowed) = share(agent, pace, now)
        && agent.given_since_arrival + wanted.units > allowed.max(wanted.units)
    {
        return Some(PassedOver::JustArrived);
    }
    None
}

/// Words of people: large and small letters are the same.
fn names(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| word.to_lowercase() == wanted.to_lowercase())
}

/// A language is its first part: who speaks `pt` may answer `pt-BR`.
fn speaks(agent: &Candidate, language: Option<&str>) -> bool {
    let primary = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let Some(language) = language.map(primary) else { return true };
    agent.languages.is_empty() || agent.languages.iter().any(|spoken| primary(spoken) == language)
}

/// For how many of its shares a newcomer is paced; after that they fill up.
const SHARES: i32 = 10;

/// Units that a newcomer may have been given by now; none for who is no newcomer.
fn share(agent: &Candidate, pace: &Pace, now: DateTime<Utc>) -> Option<i32> {
    let shares = shares(agent, pace, now)?;
    Some(pace.newcomer_units.saturating_mul(shares))
}

fn shares(agent: &Candidate, pace: &Pace, now: DateTime<Utc>) -> Option<i32> {
    let every = pace.newcomer_every.num_seconds().max(1);
    let shares = 1 + (now - agent.arrived_at?).num_seconds().max(0) / every;
    i32::try_from(shares).ok().filter(|shares| *shares <= SHARES)
}

fn next_share(agent: &Candidate, pace: &Pace, now: DateTime<Utc>) -> DateTime<Utc> {
    match (agent.arrived_at, shares(agent, pace, now)) {
        (Some(arrived), Some(shares)) => arrived + pace.newcomer_every * shares,
        _ => now,
    }
}

fn score(wanted: &Wanted, agent: &Candidate) -> Score {
    let left = f64::from(agent.capacity - agent.load - wanted.units) / f64::from(agent.capacity.max(1));
    let room = 100.0 * left;
    let is_high = wanted.tier.is_some_and(|tier| tier >= Tier::Gold);
    let senior = if is_high && agent.seniority > 0 { SENIOR_POINTS } else { 0.0 };
    let known = wanted.skills.iter().filter(|skill| names(&agent.skills, skill)).count();
    let skills = match wanted.skills.len() {
        0 => 0.0,
        all => SKILL_POINTS * known as f64 / all as f64,
    };
    let gave_away = if wanted.given_away_by == Some(agent.id) { GAVE_AWAY_POINTS } else { 0.0 };
    let points = ((room + senior + skills + gave_away) * 10.0).round() / 10.0;
    Score { agent_id: agent.id, points, room, senior, skills, load: agent.load, capacity: agent.capacity }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-28T12:00:00Z".parse().expect("a time")
    }

    const PACE: Pace = Pace {
        relax_skills: TimeDelta::seconds(600),
        newcomer_units: 3,
        newcomer_every: TimeDelta::seconds(20),
    };

    fn agent(load: i32) -> Candidate {
        Candidate {
            id: AgentId::new(),
            seniority: 0,
            departments: Vec::new(),
            skills: Vec::new(),
            languages: Vec::new(),
            capacity: 10,
            load,
            last_assigned_at: None,
            arrived_at: None,
            given_since_arrival: 0,
            is_kept_free: false,
        }
    }

    fn ticket() -> Wanted {
        Wanted {
            units: 1,
            language: None,
            department: None,
            skills: Vec::new(),
            tier: None,
            since: now(),
            given_away_by: None,
        }
    }

    fn chosen(wanted: &Wanted, agents: &mut [Candidate]) -> Option<usize> {
        match choose(wanted, agents, &PACE, now()) {
            Choice::Agent(place, _) => Some(place),
            Choice::Nobody(_) => None,
        }
    }

    #[test]
    fn the_least_loaded_gets_it_and_of_equals_who_waited_longest() {
        assert_eq!(chosen(&ticket(), &mut [agent(5), agent(2), agent(3)]), Some(1));
        let mut agents = [agent(2), agent(2), agent(2)];
        agents[0].last_assigned_at = Some(now());
        agents[1].last_assigned_at = Some(now() - TimeDelta::hours(1));
        assert_eq!(chosen(&ticket(), &mut agents), Some(2), "who never got one");
        assert_eq!(chosen(&ticket(), &mut agents[..2]), Some(1));
        assert_eq!(chosen(&ticket(), &mut [agent(10)]), None);
    }

    #[test]
    fn language_is_hard_and_skills_relax() {
        let mut agents = [agent(0), agent(9)];
        agents[0].languages = vec!["en".to_owned()];
        agents[1].languages = vec!["de".to_owned()];
        let german = Wanted { language: Some("de-AT".to_owned()), ..ticket() };
        assert_eq!(chosen(&german, &mut agents), Some(1));
        let late = Wanted { language: Some("fr".to_owned()), since: now() - TimeDelta::days(3), ..ticket() };
        assert_eq!(chosen(&late, &mut agents), None);

        let mut agents = [agent(0)];
        let skilled = Wanted { skills: vec!["returns".to_owned()], ..ticket() };
        let relaxes = now() + TimeDelta::seconds(600);
        assert_eq!(choose(&skilled, &mut agents, &PACE, now()), Choice::Nobody(Some(relaxes)));
        assert!(matches!(choose(&skilled, &mut agents, &PACE, relaxes), Choice::Agent(0, _)));
    }

    #[test]
    fn seniors_come_first_for_high_tiers_alone() {
        let mut agents = [agent(0), agent(4)];
        agents[1].seniority = 1;
        assert_eq!(chosen(&Wanted { tier: Some(Tier::Platinum), ..ticket() }, &mut agents), Some(1));
        assert_eq!(chosen(&Wanted { tier: Some(Tier::Silver), ..ticket() }, &mut agents), Some(0));
    }

    #[test]
    fn room_is_kept_for_a_large_ticket_that_comes_first() {
        let mut agents = [agent(8), agent(7)];
        assert_eq!(chosen(&Wanted { units: 5, ..ticket() }, &mut agents), None);
        assert_eq!(chosen(&ticket(), &mut agents), Some(0), "the other one is kept free");
        assert_eq!(chosen(&ticket(), &mut agents[1..]), None);
    }

    #[test]
    fn newcomers_get_their_share_again_and_again() {
        let mut agents = [agent(0)];
        agents[0].arrived_at = Some(now());
        for _ in 0..3 {
            assert_eq!(chosen(&ticket(), &mut agents), Some(0));
            give(&mut agents[0], 1, now());
        }
        let next = now() + TimeDelta::seconds(20);
        assert_eq!(choose(&ticket(), &mut agents, &PACE, now()), Choice::Nobody(Some(next)));
        assert!(matches!(choose(&ticket(), &mut agents, &PACE, next), Choice::Agent(0, _)));
        // A ticket that is larger than a share is not kept from a newcomer for ever.
        let mut fresh = [agent(0)];
        fresh[0].arrived_at = Some(now());
        assert_eq!(chosen(&Wanted { units: 5, ..ticket() }, &mut fresh), Some(0));
    }

    #[test]
    fn who_gave_it_away_gets_it_back_only_when_nobody_else_may_have_it() {
        let mut agents = [agent(0), agent(9)];
        let wanted = Wanted { given_away_by: Some(agents[0].id), ..ticket() };
        assert_eq!(chosen(&wanted, &mut agents), Some(1));
        assert_eq!(chosen(&wanted, &mut agents[..1]), Some(0));
    }
}
