//! Contracts remember their shape. A payload that an older worker cannot read has to say so by its version, or it is dead
//! in the middle of a rolling deploy; so whoever changes a contract raises its version, and this test insists.
//!
//! The shape is recorded in `src/kinds/shapes/KIND.txt` of the owner's crate. After raising a version, run the test with
//! `UPDATE_SHAPES=1`: it records what is new, and never overwrites the shape of a version that was recorded before.

use std::fs;
use std::path::Path;

use jobs::kinds::KindInfo;

const OWNERS: [(&str, &[KindInfo]); 6] = [
    ("jobs", jobs::kinds::ALL),
    ("domain/platform", platform::kinds::ALL),
    ("domain/support", support::kinds::ALL),
    ("domain/marketing", marketing::kinds::ALL),
    ("domain/questions", questions::kinds::ALL),
    ("domain/outbound", outbound::kinds::ALL),
];

#[test]
fn a_changed_contract_has_a_new_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let updates = std::env::var_os("UPDATE_SHAPES").is_some();
    let mut kinds = 0;
    for (owner, infos) in OWNERS {
        for info in infos {
            kinds += 1;
            let file = root.join(owner).join("src/kinds/shapes").join(format!("{}.txt", info.kind));
            let now = format!("version {}\n{}\n", info.version, (info.shape)());
            let recorded = fs::read_to_string(&file).unwrap_or_default();
            let version: i16 = recorded
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("version ")?.parse().ok())
                .unwrap_or(0);
            if updates && version < info.version {
                fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
                fs::write(&file, &now).expect("the shape can be recorded");
                continue;
            }
            assert!(
                version >= info.version,
                "{}: version {} has no recorded shape; run this test with UPDATE_SHAPES=1",
                info.kind,
                info.version
            );
            assert_eq!(
                recorded, now,
                "{}: the contract changed and its VERSION did not; raise it, and read the old one in `upgrade`",
                info.kind
            );
        }
    }
    assert_eq!(kinds, kinds::all().count(), "every owner is looked at");
}
