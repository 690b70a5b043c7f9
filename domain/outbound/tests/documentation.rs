//! `docs/webhooks.md` has the catalogue of events as it is; with `UPDATE_DOCS=1` this test writes it.

use outbound::catalogue::document;

const MARK: &str = "<!-- the catalogue, made by this crate's tests -->\n\n";

#[test]
fn the_documentation_has_the_catalogue() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
    let written = std::fs::read_to_string(&path).expect("docs/webhooks.md");
    let (words, known) = written.split_once(MARK).expect("the mark before the catalogue");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{words}{MARK}{}", document())).expect("written");
        return;
    }
    assert_eq!(known, document(), "run this test with UPDATE_DOCS=1");
}
