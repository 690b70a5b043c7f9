//! The HTTP face of Deskwork: it checks, writes down and answers; what is heavy becomes a job.
//!
//! Reading order: [`state`] (what a request may use), [`web::auth`], [`web::problem`] (every refusal), then
//! the files of [`routes`], a folder an owner. The program is in `main.rs`, its subcommands in [`commands`].

pub mod access;
pub mod commands;
pub mod docs;
pub mod live;
pub mod mcp;
pub mod routes;
pub mod serve;
pub mod settings;
pub mod state;
pub mod ui;
pub mod web;

use std::any::Any;
use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use routes::support::help::refusal;
use state::AppState;
use web::{door, limits, observe, parameters::Parameters, problem::Problem, safety, timeouts, views};

/// Everything that the process answers.
pub fn router(state: AppState) -> Router {
    let (routes, document) = routes::all().split_for_parts();
    let parameters = Arc::new(Parameters::of(&document));
    let routes = routes
        .merge(docs::routes(&document))
        .merge(ui::routes())
        .fallback(ui::page)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .with_state(state.clone())
        .layer(from_fn_with_state(state.views.clone(), views::watch))
        .layer(from_fn_with_state(parameters, door::check));
    let known = limits::Known { keys: state.keys.clone(), people: state.people.clone() };
    let routes = limits::apply(routes, state.db.clone(), known, state.settings.rates);
    let routes =
        timeouts::apply(routes, state.settings.patience).layer(CatchPanicLayer::custom(answer_panic));
    let routes = routes.layer(from_fn(refusal::as_page));
    safety::apply(routes, &state.settings.people.origins).layer(from_fn(observe::observe))
}

/// The OpenAPI 3.1 document of everything under [`router`], as JSON.
pub fn openapi_json() -> String {
    docs::json(routes::all().get_openapi())
}

/// A bug in one request must not cost the others their answers.
fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a request panicked");
    Problem::internal().into_response()
}
