//! Everything that a run stored, in a form that can be compared: two runs from the same state have to leave the same,
//! bit for bit, however often the one was killed.
//!
//! Left out is what has to differ: the ids of runs, jobs and models, the number of the generation, and times.

use database::ids::TenantId;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;

/// Each part with the statement that reads its rows in order. `$1` is the tenant. Floating-point numbers become text
/// that reads back as the same bits.
const PARTS: [(&str, &str); 9] = [
    (
        "customer_fact",
        "select (to_jsonb(f) - '{tenant_id,generation}'::text[])::text
         from platform.customer_fact f join platform.current_run c using (tenant_id, generation)
         where tenant_id = $1 order by f.customer_id collate \"C\"",
    ),
    (
        "customer_insight",
        "select (to_jsonb(i) - '{tenant_id,generation,computed_at}'::text[])::text
         from platform.customer_insight i join platform.current_run c using (tenant_id, generation)
         where tenant_id = $1 order by i.customer_id collate \"C\"",
    ),
    (
        "customer_change",
        "select (to_jsonb(h) - '{tenant_id,run_id}'::text[])::text
         from platform.customer_change h join platform.current_run c using (tenant_id, run_id)
         where tenant_id = $1 order by h.customer_id collate \"C\"",
    ),
    (
        "intelligence_run",
        "select (to_jsonb(r) - '{id,tenant_id,segmentation_id,churn_model_id,ltv_model_id,started_at,training_at,prepared_at,published_at}'::text[])::text
         from platform.intelligence_run r where tenant_id = $1 order by generation",
    ),
    (
        "intelligence_shard",
        "select (to_jsonb(s) - '{run_id,tenant_id,done_at}'::text[])::text
         from platform.intelligence_shard s join platform.current_run c using (tenant_id, run_id)
         where tenant_id = $1 order by s.shard",
    ),
    (
        "segmentation",
        "select (to_jsonb(s) - '{id,tenant_id,created_at}'::text[])::text
         from platform.segmentation s where tenant_id = $1 order by number",
    ),
    (
        "model",
        "select (to_jsonb(m) - '{id,tenant_id,job_id,created_at,decided_at}'::text[])::text
         from platform.model m where tenant_id = $1 order by target, number",
    ),
    (
        "profile_snapshot",
        "select (to_jsonb(s) - '{tenant_id,segmentation_id}'::text[])::text
         from platform.profile_snapshot s where tenant_id = $1 order by grain, taken_on, first_customer collate \"C\"",
    ),
    (
        "drift_report",
        "select (to_jsonb(d) - '{job_id,tenant_id,run_id,created_at}'::text[])::text
         from platform.drift_report d where tenant_id = $1 order by created_at",
    ),
];

/// Rows of everything that is stored of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    parts: Vec<(&'static str, Vec<String>)>,
}

impl Digest {
    /// Reads all of it.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(owner: &PgPool, tenant: TenantId) -> anyhow::Result<Digest> {
        let mut parts = Vec::with_capacity(PARTS.len());
        for (name, statement) in PARTS {
            let rows: Vec<String> = sqlx::query_scalar(statement).bind(tenant.0).fetch_all(owner).await?;
            parts.push((name, rows.iter().map(|row| without_ids(row)).collect()));
        }
        Ok(Digest { parts })
    }

    /// SHA-256 over all rows, in hexadecimal.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (name, rows) in &self.parts {
            hash.update(name);
            for row in rows {
                hash.update(row.len().to_le_bytes());
                hash.update(row);
            }
        }
        hex::encode(hash.finalize())
    }

    /// How many rows each part has.
    pub fn counts(&self) -> String {
        let counts: Vec<String> =
            self.parts.iter().map(|(name, rows)| format!("{name} {}", rows.len())).collect();
        counts.join(", ")
    }

    /// How many rows the part of that name has.
    pub fn rows(&self, part: &str) -> usize {
        self.parts.iter().find(|(name, _)| *name == part).map_or(0, |(_, rows)| rows.len())
    }

    /// The first row in which the other differs, in words; none when both are equal.
    pub fn first_difference(&self, other: &Digest) -> Option<String> {
        for ((name, mine), (_, theirs)) in self.parts.iter().zip(&other.parts) {
            if mine.len() != theirs.len() {
                return Some(format!("{name} has {} rows instead of {}", theirs.len(), mine.len()));
            }
            let differs = mine.iter().zip(theirs).position(|(mine, theirs)| mine != theirs);
            if let Some(row) = differs {
                return Some(format!("{name}, row {row}: {}", around(&mine[row], &theirs[row])));
            }
        }
        None
    }
}

/// The two texts from shortly before the place where they part.
fn around(mine: &str, theirs: &str) -> String {
    const BEFORE: usize = 60;
    const AFTER: usize = 100;
    let same = mine.chars().zip(theirs.chars()).take_while(|(mine, theirs)| mine == theirs).count();
    let cut =
        |text: &str| text.chars().skip(same.saturating_sub(BEFORE)).take(BEFORE + AFTER).collect::<String>();
    format!("...{}... instead of ...{}...", cut(theirs), cut(mine))
}

/// The text with every UUID in it replaced: reports name models and runs by their ids.
fn without_ids(text: &str) -> String {
    const LENGTH: usize = 36;
    let is_id = |window: &[u8]| {
        window.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
        })
    };
    // Most rows are long strings of hexadecimal digits without a hyphen.
    if !text.contains('-') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut out, mut kept, mut at) = (String::with_capacity(text.len()), 0, 0);
    while at + LENGTH <= bytes.len() {
        if bytes[at + 8] == b'-' && is_id(&bytes[at..at + LENGTH]) {
            out.push_str(&text[kept..at]);
            out.push_str("(id)");
            at += LENGTH;
            kept = at;
        } else {
            at += 1;
        }
    }
    out.push_str(&text[kept..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&str]) -> Digest {
        Digest { parts: vec![("part", rows.iter().map(|row| (*row).to_owned()).collect())] }
    }

    #[test]
    fn ids_are_taken_out_and_nothing_else() {
        let id = "01234567-89ab-7cde-8f01-23456789abcd";
        assert_eq!(without_ids(&format!("\"{id}\": 2026-06-30, {id}é")), "\"(id)\": 2026-06-30, (id)é");
        assert_eq!(
            without_ids("no id - at all, but many hyphens - - - - - - - -"),
            "no id - at all, but many hyphens - - - - - - - -"
        );
    }

    #[test]
    fn the_first_difference_is_shown() {
        let (one, other) = (digest(&["a 1", "b 2"]), digest(&["a 1", "b 3"]));
        assert_eq!(one.first_difference(&one), None);
        assert_ne!(one.sha256(), other.sha256());
        let said = one.first_difference(&other).expect("they differ");
        assert!(said.starts_with("part, row 1: ") && said.contains("b 3") && said.contains("b 2"), "{said}");
        let said = one.first_difference(&digest(&["a 1"])).expect("they differ");
        assert_eq!(said, "part has 1 rows instead of 2");
        assert_ne!(digest(&["ab", "c"]).sha256(), digest(&["a", "bc"]).sha256());
    }
}
