//! One quick training, looked at from all sides.

use std::sync::LazyLock;

use image::RgbImage;

use super::draw::{Drawn, Origin, patch, stream};
use super::*;
use crate::scoring::Shelf;

/// Far less than the command does: bounds are looser, and none is met by chance.
static TRAINED: LazyLock<(Model, Report)> = LazyLock::new(|| {
    let effort = Effort { identities: 14, steps: 24, judged: 10, pages: 24 };
    train(&Training { seed: 5, effort }, "quick".into(), &|_| ()).unwrap()
});

fn picture(kind: Kind, identity: usize, origin: Origin, part: u64) -> RgbImage {
    let mut rng = stream(77, part);
    patch(&Drawn::new(kind, 77, identity, origin, &mut rng), &mut rng).0
}

fn saved(folder: &Path, name: &str, picture: &RgbImage) -> PathBuf {
    let path = folder.join(name);
    picture.save(&path).unwrap();
    path
}

#[test]
fn a_quick_training_tells_marks_apart_and_finds_them() {
    let report = &TRAINED.1;
    for kind in Kind::ALL {
        let compared = report.of(kind);
        let error = compared.equal_error_random.unwrap().value;
        assert!(error < 0.2, "{kind:?}: {error} of marks of others are mistaken");
        let skilled = compared.equal_error_skilled.unwrap().value;
        assert!(skilled < 0.45, "{kind:?}: {skilled} of skilled forgeries are mistaken");
        let finding = compared.finding.as_ref().unwrap();
        assert!(finding.marks > 5 && finding.recall.unwrap().value > 0.45, "{kind:?}: {finding:?}");
    }
}

#[test]
fn a_model_survives_the_shelf_and_compares_as_before() {
    let (model, report) = &*TRAINED;
    let home = tempfile::tempdir().unwrap();
    let shelf = Shelf::documents(home.path());
    let missing = Model::current(&shelf).unwrap_err().to_string();
    assert!(missing.contains("no documents model yet") && missing.contains("haetae train documents"), "{missing}");
    let folder = model.put(&shelf, report).unwrap();
    let again = Model::current(&shelf).unwrap();
    assert_eq!(again.version(), "quick");
    let page = |part: u64, identity: usize| Page::of(&picture(Kind::Stamp, identity, Origin::Genuine, part));
    let mark = |part, identity| again.mark(&page(part, identity), Kind::Stamp, "a stamp").unwrap();
    let (first, second, other) = (mark(1, 1), mark(2, 1), mark(3, 2));
    let same = again.compare(&first, &second).unwrap();
    assert_eq!(same, model.compare(&first, &second).unwrap());
    let different = again.compare(&first, &other).unwrap();
    assert!(same.probability > different.probability && same.similarity > different.similarity);
    assert!(same.trained_on_demo && (0.0..=100.0).contains(&same.similarity) && same.reasons.len() >= 2);
    for card in ["card.en.md", "card.ko.md"] {
        let text = fs_err::read_to_string(folder.join(card)).unwrap();
        assert!(text.contains("quick") && text.contains(&report.data_sha256), "{card}");
    }
    let signature =
        model.mark(&Page::of(&picture(Kind::Signature, 1, Origin::Genuine, 4)), Kind::Signature, "x").unwrap();
    assert!(matches!(model.compare(&first, &signature), Err(Error::TwoKinds)));
}

#[test]
fn a_heat_map_is_emptier_where_marks_agree() {
    let model = &TRAINED.0;
    let mark = |part, identity| {
        let page = Page::of(&picture(Kind::Stamp, identity, Origin::Genuine, part));
        Mark::cut(&page, &page.area(), Kind::Stamp, "a stamp").unwrap()
    };
    let coloured = |first: &Mark, second: &Mark| {
        let (_, laid) = model.compare_laid(first, second).unwrap();
        let map = heat_map(first, &laid);
        assert_eq!(map.dimensions(), (640, 640));
        map.pixels().filter(|pixel| pixel.0[0].abs_diff(pixel.0[2]) > 90).count()
    };
    let first = mark(5, 3);
    assert_eq!(coloured(&first, &first), 0);
    assert!(coloured(&first, &mark(6, 4)) > 2000);
}

#[test]
fn originals_are_kept_listed_and_removed() {
    let (model, home) = (&TRAINED.0, tempfile::tempdir().unwrap());
    let registry = Registry::new(home.path());
    assert!(matches!(registry.named(None), Err(Error::NoOriginals)));
    let path = saved(home.path(), "seal.png", &picture(Kind::Stamp, 6, Origin::Genuine, 8));
    let original = registry.register(model, " Hanbit ", Kind::Stamp, &path).unwrap();
    assert_eq!((original.name.as_str(), registry.list().unwrap()), ("Hanbit", vec![original.clone()]));
    // The copy is the registry's own.
    fs_err::remove_file(&path).unwrap();
    let kept = registry.mark(&original).unwrap();
    let page = Page::of(&picture(Kind::Stamp, 6, Origin::Genuine, 8));
    let taken = model.mark(&page, Kind::Stamp, "seal").unwrap();
    assert!(model.compare(&kept, &taken).unwrap().correlation > 0.9);
    let unknown = registry.named(Some("Daehan")).unwrap_err().to_string();
    assert!(unknown.contains("`Daehan`") && unknown.contains("registered are `Hanbit`"), "{unknown}");
    assert!(matches!(registry.remove("Daehan"), Err(Error::UnknownName { .. })));
    assert_eq!(registry.remove("Hanbit").unwrap(), vec![original]);
    assert!(registry.list().unwrap().is_empty());
    let path = saved(home.path(), "again.png", &picture(Kind::Stamp, 6, Origin::Genuine, 8));
    assert!(matches!(registry.register(model, "  ", Kind::Stamp, &path), Err(Error::Name { length: 0, .. })));
}

#[test]
fn a_folder_is_measured_and_what_cannot_be_used_is_named() {
    let (model, home) = (&TRAINED.0, tempfile::tempdir().unwrap());
    for identity in 0..4 {
        for (state, origin, first) in [("genuine", Origin::Genuine, 20), ("forged", Origin::Forged(0), 60)] {
            let folder = home.path().join(format!("person-{identity}")).join(state);
            fs_err::create_dir_all(&folder).unwrap();
            for at in 0..2 {
                let part = first + 2 * identity as u64 + at;
                saved(&folder, &format!("{at}.png"), &picture(Kind::Signature, identity, origin, part));
            }
        }
    }
    fs_err::write(home.path().join("person-0/genuine/notes.txt"), "no picture").unwrap();
    let measured = measure(model, home.path(), Some(Kind::Signature)).unwrap();
    let of = &measured.marks[&Kind::Signature];
    assert_eq!((of.pictures, of.compared.same_pairs, of.compared.skilled_pairs), (16, 4, 16));
    assert!(of.compared.equal_error_random.unwrap().value < 0.4, "{:?}", of.compared);
    assert!(measured.not_used.len() == 1 && measured.not_used[0].contains("notes.txt"), "{:?}", measured.not_used);
    assert!(matches!(measure(model, home.path(), None), Err(Error::UnknownFolder { .. })));
}

#[test]
fn a_blank_page_is_empty_and_a_page_without_marks_has_none() {
    let blank = Page::of(&RgbImage::from_pixel(1240, 1754, image::Rgb([250, 250, 250])));
    assert!(blank.is_empty() && TRAINED.0.find(&blank).is_empty());
    let error = TRAINED.0.mark(&blank, Kind::Stamp, "blank.png").unwrap_err().to_string();
    assert!(error.contains("no stamp was found on `blank.png`"), "{error}");
}

#[test]
fn minutes_become_counts_and_nonsense_is_refused() {
    let (short, long) = (Effort::minutes(1.0).unwrap(), Effort::minutes(6.0).unwrap());
    assert!(short.steps < long.steps && short.identities < long.identities);
    for minutes in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(matches!(Effort::minutes(minutes), Err(Error::Minutes { .. })), "{minutes}");
    }
}
