//! Certificates: A4 sheets at 150 dpi with borders, text, tables, stamps and signatures.

use image::RgbImage;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::glyphs::{advance, glyph};
use super::impression::Canvas;
use super::raster::{Placement, Point, Stroke, bounds, ink};
use super::scan::Scan;
use super::stamp::line_width;
use super::{Drawn, Identities, PX_PER_MM};
use crate::documents::plane::Plane;
use crate::documents::{Area, Kind};

pub const WIDTH: usize = 1240;
pub const HEIGHT: usize = 1754;

/// A mark of a page, as it lies in the scan.
#[derive(Clone, Debug)]
pub struct Placed {
    pub kind: Kind,
    pub identity: usize,
    pub is_genuine: bool,
    pub area: Area,
}

#[derive(Clone, Debug)]
pub struct Certificate {
    pub scan: RgbImage,
    pub marks: Vec<Placed>,
}

const TITLES: [&str; 6] =
    ["원산지증명서", "CERTIFICATE OF ORIGIN", "검사증명서", "수출신고필증", "INSPECTION CERTIFICATE", "위임장"];
const LABELS: [&str; 12] = [
    "수출자",
    "Exporter",
    "수입자",
    "Importer",
    "Country of origin",
    "품명",
    "HS code",
    "선적항",
    "Vessel",
    "송장번호",
    "Gross weight",
    "발급일",
];
const TEXTS: [&str; 16] = [
    "위와 같이 원산지를 증명합니다",
    "The undersigned hereby declares that",
    "the above details are correct",
    "부산광역시 중구 충장대로",
    "Invoice No. KR-2026-0457",
    "대한무역상사 주식회사",
    "Cotton fabrics bleached",
    "전자부품 및 그 부분품",
    "가격은 운임을 포함한다",
    "and that all the goods were produced in",
    "Busan, Korea",
    "스테인리스 강판 냉간압연",
    "품질검사를 필하였음을 확인함",
    "4,820 KG",
    "2026-03-17",
    "HS 7219.33",
];

/// Draws a page; `identities` says whose marks may stand on it.
pub fn draw(identities: &Identities, rng: &mut ChaCha8Rng) -> Certificate {
    let warm = rng.random_range(0.0..0.05);
    let mut canvas = Canvas::new(WIDTH, HEIGHT, [0.99, 0.99 - warm * 0.4, 0.99 - warm]);
    let (print, anchors) = print(rng);
    canvas.blend(&print, 0, 0, [rng.random_range(0.05..0.2); 3]);
    let mut strokes_of: Vec<(Placed, Vec<Stroke>)> = Vec::new();
    let num_marks = if rng.random_bool(0.06) { 0 } else { rng.random_range(1..=4) };
    for at in 0..num_marks {
        let kind = if rng.random_bool(0.55) { Kind::Stamp } else { Kind::Signature };
        let drawn = Drawn::any(kind, identities, rng);
        // One mark in four stands anywhere, the others where they are asked for.
        let anchor = anchors.get(at).copied().filter(|_| rng.random_bool(0.75));
        for _ in 0..30 {
            let jitter = |rng: &mut ChaCha8Rng| rng.random_range(-60.0..60.0);
            let shift = match anchor {
                Some([x, y]) => [x + jitter(rng), y + jitter(rng) / 3.0],
                None => [rng.random_range(170.0..1070.0), rng.random_range(170.0..1600.0)],
            };
            let strokes = drawn.placed(shift);
            let area = Area::around(bounds(&strokes));
            let page = Area { left: 15.0, top: 15.0, right: WIDTH as f32 - 15.0, bottom: HEIGHT as f32 - 15.0 };
            let is_free = strokes_of.iter().all(|(other, _)| other.area.grown(14.0).shared(&area) == 0.0);
            if is_free && page.shared(&area) == area.size() {
                drawn.impression.press(&mut canvas, &strokes, rng);
                let Drawn { identity, is_genuine, .. } = drawn;
                strokes_of.push((Placed { kind, identity, is_genuine, area }, strokes));
                break;
            }
        }
    }
    let scan = Scan::draw(rng);
    let marks = strokes_of
        .into_iter()
        .map(|(placed, mut strokes)| {
            for point in strokes.iter_mut().flat_map(|stroke| &mut stroke.points) {
                *point = scan.map(&canvas, *point);
            }
            Placed { area: Area::around(bounds(&strokes)), ..placed }
        })
        .collect();
    Certificate { scan: scan.apply(&canvas, rng), marks }
}

/// A piece of paper with one mark, as if cut out of a page, and where the mark lies in it.
pub fn patch(drawn: &Drawn, rng: &mut ChaCha8Rng) -> (RgbImage, Area) {
    let origin = drawn.placed([0.0, 0.0]);
    let [left, top, right, bottom] = bounds(&origin);
    let margin = 22.0;
    let (width, height) = ((right - left + 2.0 * margin).ceil(), (bottom - top + 2.0 * margin).ceil());
    let mut canvas = Canvas::new(width as usize, height as usize, [0.99, 0.98, 0.96]);
    let mut print = Plane::new(canvas.width, canvas.height);
    if rng.random_bool(0.35) {
        // Part of a line of text runs through.
        let y = rng.random_range(0.1..0.8) * height;
        let from = rng.random_range(-0.6..0.5) * width;
        write(&mut print, TEXTS.choose(rng).expect("there are texts"), [from, y], rng.random_range(14.0..19.0));
    }
    if rng.random_bool(0.2) {
        rule(&mut print, [0.0, rng.random_range(0.2..0.95) * height], [width, 0.0], 2.0);
    }
    canvas.blend(&print, 0, 0, [0.12; 3]);
    let mut strokes = drawn.placed([margin - left, margin - top]);
    drawn.impression.press(&mut canvas, &strokes, rng);
    let scan = Scan::draw(rng);
    for point in strokes.iter_mut().flat_map(|stroke| &mut stroke.points) {
        *point = scan.map(&canvas, *point);
    }
    (scan.apply(&canvas, rng), Area::around(bounds(&strokes)))
}

/// What a printer puts on the page, and where marks are asked for.
fn print(rng: &mut ChaCha8Rng) -> (Plane, Vec<Point>) {
    let mut plane = Plane::new(WIDTH, HEIGHT);
    let (left, right) = (rng.random_range(90.0..140.0), WIDTH as f32 - rng.random_range(90.0..140.0));
    match rng.random_range(0..3) {
        0 => {}
        1 => frame(&mut plane, [60.0, 60.0, WIDTH as f32 - 60.0, HEIGHT as f32 - 60.0], 3.0),
        _ => {
            frame(&mut plane, [52.0, 52.0, WIDTH as f32 - 52.0, HEIGHT as f32 - 52.0], 5.0);
            frame(&mut plane, [64.0, 64.0, WIDTH as f32 - 64.0, HEIGHT as f32 - 64.0], 2.0);
        }
    }
    let text_height = rng.random_range(14.0..19.0);
    let title = *TITLES.choose(rng).expect("there are titles");
    let title_height = rng.random_range(30.0..46.0);
    let start = (WIDTH as f32 - title_height * line_width(title)) / 2.0;
    write(&mut plane, title, [start, rng.random_range(100.0..140.0)], title_height);
    let mut y = 230.0;
    for _ in 0..rng.random_range(4..9) {
        let label = LABELS.choose(rng).expect("there are labels");
        write(&mut plane, &format!("{label}:"), [left, y], text_height);
        write(&mut plane, &texts(rng, 1..3), [left + 230.0, y], text_height);
        y += text_height * rng.random_range(1.9..2.4);
    }
    y = table(&mut plane, [left, y + 20.0, right], text_height, rng) + 40.0;
    for _ in 0..rng.random_range(2..7) {
        let text = texts(rng, 2..4);
        write_within(&mut plane, &text, [left, y], text_height, right);
        y += text_height * 1.9;
    }
    let mut anchors = Vec::new();
    y += 50.0;
    for at in 0..rng.random_range(2..4) {
        let x = if at % 2 == 0 { right - 420.0 } else { left + 30.0 };
        let name = if rng.random_bool(0.5) { "대표이사" } else { "Authorized signature" };
        write(&mut plane, name, [x, y], text_height);
        if rng.random_bool(0.7) {
            rule(&mut plane, [x, y + 62.0], [360.0, 0.0], 2.0);
        }
        anchors.push([x + rng.random_range(170.0..320.0), y + 20.0]);
        y += rng.random_range(120.0..170.0);
    }
    if rng.random_bool(0.6) {
        write(&mut plane, &texts(rng, 1..3), [left, HEIGHT as f32 - 110.0], text_height * 0.8);
    }
    (plane, anchors)
}

fn table(plane: &mut Plane, [left, top, right]: [f32; 3], text_height: f32, rng: &mut ChaCha8Rng) -> f32 {
    let (num_rows, num_columns) = (rng.random_range(3..8), rng.random_range(3..6));
    let step = text_height * rng.random_range(2.0..2.8);
    let width = (right - left) / num_columns as f32;
    let thick = rng.random_range(1.4..2.6);
    for row in 0..=num_rows {
        rule(plane, [left, top + row as f32 * step], [right - left, 0.0], thick);
    }
    let has_columns = rng.random_bool(0.8);
    for column in 0..=num_columns {
        let x = left + column as f32 * width;
        if has_columns {
            rule(plane, [x, top], [0.0, num_rows as f32 * step], thick);
        }
        for row in 0..num_rows {
            if column < num_columns && rng.random_bool(0.8) {
                let text = texts(rng, 1..2);
                let at = [x + 8.0, top + (row as f32 + 0.5) * step - text_height / 2.0];
                write_within(plane, &text, at, text_height * 0.9, x + width - 8.0);
            }
        }
    }
    top + num_rows as f32 * step
}

fn texts(rng: &mut ChaCha8Rng, count: std::ops::Range<usize>) -> String {
    let count = rng.random_range(count);
    TEXTS.choose_multiple(rng, count).copied().collect::<Vec<_>>().join(" ")
}

fn write(plane: &mut Plane, text: &str, at: Point, height: f32) {
    write_within(plane, text, at, height, plane.width as f32);
}

/// Writes until the text ends or `right` is reached.
fn write_within(plane: &mut Plane, text: &str, [mut x, y]: Point, height: f32, right: f32) {
    for letter in text.chars() {
        let next = x + advance(letter) * height;
        if next > right {
            return;
        }
        let placement = Placement { turn: 0.0, scale: height, shift: [x, y] };
        let strokes: Vec<Stroke> =
            glyph(letter).into_iter().map(|points| Stroke::even(points, 0.11).placed(&placement, 0.0)).collect();
        ink(plane, &strokes);
        x = next;
    }
}

fn rule(plane: &mut Plane, from: Point, along: Point, width: f32) {
    let to = [from[0] + along[0], from[1] + along[1]];
    ink(plane, &[Stroke::even(vec![from, to], width)]);
}

fn frame(plane: &mut Plane, [left, top, right, bottom]: [f32; 4], width: f32) {
    let corners = vec![[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
    ink(plane, &[Stroke::even(corners, width)]);
}

/// Millimetres to pixels.
pub fn px(mm: f32) -> f32 {
    mm * PX_PER_MM
}
