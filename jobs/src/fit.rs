//! Whether what the settings name can do the work at all. A login role without the rights of the work and a Redis that lets
//! nobody in or takes nothing both answer, so nothing looks broken, and nothing ever runs. Somebody has to change a setting: it is said once
//! as an error, and the process is not ready until then.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use database::Role;

use crate::{
    Dispatch, QueueError, Store,
    dispatch::{Link, advise, what_to_do},
};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);

/// What a process knows of its settings; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    faults: Arc<Mutex<Faults>>,
}

#[derive(Debug, Default)]
struct Faults {
    role: Option<String>,
    redis: Option<&'static str>,
    /// Of a Redis that works, and may not for long.
    advice: Option<String>,
}

impl Fit {
    /// Fine unless a setting was found not to fit.
    ///
    /// # Errors
    /// Says what does not, in a line.
    pub fn check(&self) -> Result<(), String> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        match (&faults.role, faults.redis) {
            (Some(fault), _) => Err(fault.clone()),
            (None, Some(fault)) => Err(format!("REDIS_URL: {fault}")),
            (None, None) => Ok(()),
        }
    }

    /// What should be done about Redis although the process works.
    pub fn advice(&self) -> Option<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).advice.clone()
    }

    /// Looks until it is dropped whether Redis takes what the process tells it, and until it is so whether the login role may act as
    /// `roles`. What does not answer at all is told of by whoever needs it, and changes nothing here.
    pub async fn watch(self, store: Store, dispatch: Dispatch, roles: &'static [Role]) {
        let (mut link, mut has_rights) = (None, roles.is_empty());
        loop {
            self.look_at_redis(&dispatch, &mut link).await;
            has_rights = has_rights || self.look_at_role(&store, roles).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look_at_redis(&self, dispatch: &Dispatch, link: &mut Option<Link>) {
        let (fault, advice) = match look(dispatch, link).await {
            Ok(advice) => (None, advice),
            Err(error) => {
                // Logs it, once a minute in a process however many meet it.
                advise(&error);
                let Some(fault) = what_to_do(&error) else { return };
                (Some(fault), None)
            }
        };
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        (faults.redis, faults.advice) = (fault, advice);
    }

    /// Whether the role is known to be right.
    async fn look_at_role(&self, store: &Store, roles: &[Role]) -> bool {
        let Ok((login, lacking)) = store.answers(lacking(store, roles)).await else { return false };
        let fault = (!lacking.is_empty()).then(|| {
            let lacking = lacking.join(", ");
            format!("DATABASE_URL: the role {login} may not act as {lacking}; name the role of this process")
        });
        let is_right = fault.is_none();
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = fault.as_ref().filter(|_| faults.role.is_none()) {
            tracing::error!("{fault}");
        }
        faults.role = fault;
        is_right
    }
}

/// What should be done about a Redis that works. A kept connection may lead to what was the primary before a fail-over, so
/// only a new one decides that it refuses.
async fn look(dispatch: &Dispatch, link: &mut Option<Link>) -> Result<Option<String>, redis::RedisError> {
    let kept = match link.take() {
        Some(mut kept) => dispatch.try_write(&mut kept).await.is_ok().then_some(kept),
        None => None,
    };
    let mut open = match kept {
        Some(kept) => kept,
        None => {
            let mut open = dispatch.link().await?;
            dispatch.try_write(&mut open).await?;
            open
        }
    };
    // One that does not tell is well.
    let advice = dispatch.eviction_advice(&mut open).await.unwrap_or_default();
    *link = Some(open);
    Ok(advice)
}

/// The login role, and those of `roles` that it may not act as. One that the database does not have yet is not counted.
async fn lacking(store: &Store, roles: &[Role]) -> Result<(String, Vec<String>), QueueError> {
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    let mut conn = store.pool().acquire().await?;
    let found = sqlx::query_as(
        "select session_user::text,
                array(select rolname::text from pg_roles
                      where rolname::text = any($1) and not pg_has_role(session_user, oid, 'member')
                      order by 1)",
    )
    .bind(names)
    .fetch_one(&mut *conn)
    .await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use migrations::testing::fresh_database;
    use uuid::Uuid;

    use super::*;
    use crate::dispatch::Server;

    fn dispatch(database: &str) -> Dispatch {
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let (scheme, rest) = redis.split_once("://").expect("a URL");
        let host = rest.split('/').next().expect("a host");
        let server = Server::new(&format!("{scheme}://{host}{database}")).expect("a URL");
        Dispatch::new(server, &format!("test-{}", Uuid::now_v7()))
    }

    #[tokio::test]
    async fn a_role_without_the_rights_is_told() {
        let database = fresh_database().await;
        for (login, lacks) in
            [("desk_worker", None), ("desk_scheduler", Some("desk_outbound, desk_platform"))]
        {
            let store = Store::connect(&database.url_for(login), 1).expect("a good URL");
            let fit = Fit::default();
            let roles = [Role::Queue, Role::Platform, Role::Outbound];
            let mut is_right = fit.look_at_role(&store, &roles).await;
            // A look that is not answered in time says nothing.
            while !is_right && fit.check().is_ok() {
                is_right = fit.look_at_role(&store, &roles).await;
            }
            assert_eq!(is_right, lacks.is_none());
            let said = lacks.map(|lacks| {
                format!(
                    "DATABASE_URL: the role {login} may not act as {lacks}; name the role of this process"
                )
            });
            assert_eq!(fit.check().err(), said);
        }
    }

    #[tokio::test]
    async fn a_redis_that_answers_and_takes_nothing_is_told_until_it_does() {
        let user = format!("reader-{}", Uuid::now_v7().simple());
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let (scheme, rest) = redis.split_once("://").expect("a URL");
        let host = rest.split('/').next().and_then(|rest| rest.rsplit('@').next()).expect("a host");
        let server = Server::new(&format!("{scheme}://{user}:secret@{host}/")).expect("a URL");
        let reader = Dispatch::new(server, &format!("test-{}", Uuid::now_v7()));
        let admin = dispatch("").commands();
        let allow = async |rights: &[&str]| {
            let mut command = redis::cmd("ACL");
            command.arg("SETUSER").arg(&user).arg(rights);
            while admin.run(&command).await.is_err() {}
        };
        allow(&["on", ">secret", "~*", "&*", "+@all", "-@write"]).await;
        let (fit, mut link) = (Fit::default(), None);
        while fit.check().is_ok() {
            fit.look_at_redis(&reader, &mut link).await;
        }
        assert!(fit.check().expect_err("it takes nothing").contains("rights"));
        fit.look_at_redis(&reader, &mut link).await;
        assert!(fit.check().is_err(), "it is not well again because it answers");
        allow(&["+@write"]).await;
        while fit.check().is_err() {
            fit.look_at_redis(&reader, &mut link).await;
        }
        while admin.run(redis::cmd("ACL").arg("DELUSER").arg(&user)).await.is_err() {}
    }

    #[tokio::test]
    async fn a_database_that_redis_does_not_have_is_told_and_forgotten_when_it_has_it() {
        let fit = Fit::default();
        let mut link = None;
        let none = dispatch("/9999999");
        // A look that is not answered in time says nothing.
        while fit.check().is_ok() {
            fit.look_at_redis(&none, &mut link).await;
        }
        let said = fit.check().expect_err("there is none");
        assert!(said.starts_with("REDIS_URL: ") && said.contains("database"), "{said}");
        let usual = dispatch("");
        while fit.check().is_err() {
            fit.look_at_redis(&usual, &mut link).await;
        }
    }
}
