//! The recording upstream itself, as programs direct it.

use cluster::upstream;
use serde_json::json;

use crate::setup::an_upstream;

#[tokio::test]
async fn the_upstream_can_be_directed_and_asked_over_http() {
    let upstream = an_upstream().await;
    let url = |path: &str| format!("http://{}{path}", upstream.addr);
    let http = reqwest::Client::new();
    let fault = json!({"route": "/effects", "count": 1, "fault": {"kind": "status", "status": 503}});
    http.post(url("/_faults")).json(&fault).send().await.expect("sent").error_for_status().expect("accepted");
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(http.post(url("/effects/a")).send().await.expect("sent").status().as_u16());
    }
    assert_eq!(answers, [503, 201, 201]);
    let recorded: upstream::Recorded =
        http.get(url("/_recorded")).send().await.expect("sent").json().await.expect("a report");
    assert_eq!((recorded.effects["a"], recorded.totals["POST /effects/{key}"]), (2, 3));
    assert_eq!(recorded.duplicates.effects, ["a"]);
    assert_eq!(recorded, upstream.recorded());
}
