//! Letters made of strokes: our own alphabet of jamo, Latin capitals and digits, so that no font is needed.
//!
//! A letter is written on a grid of 0 to 8 as pairs of digits, right and down; blanks part strokes, and `o` with two
//! corners is an ellipse. A Hangul syllable is put together from its jamo as Unicode takes it apart. Small Latin letters
//! are small capitals: a page needs their size, not their shapes.

use super::raster::Point;

/// Polylines in a box from 0 to 1.
pub type Glyph = Vec<Vec<Point>>;

/// The strokes of a letter; nothing for a blank and for what the alphabet lacks.
pub fn glyph(letter: char) -> Glyph {
    if let Some(index) = (letter as u32).checked_sub(FIRST_SYLLABLE).filter(|index| *index < NUM_SYLLABLES) {
        return syllable(index as usize);
    }
    if letter.is_ascii_lowercase() {
        return fit(&parse(latin(letter.to_ascii_uppercase())), [0.05, 0.3, 0.62, 1.0]);
    }
    fit(&parse(latin(letter)), [0.05, 0.0, 0.85, 1.0])
}

/// How far the next letter is, in heights.
pub fn advance(letter: char) -> f32 {
    match letter {
        ' ' => 0.45,
        '.' | ',' | ':' | 'I' | 'i' => 0.5,
        'a'..='z' => 0.72,
        '가'..='힣' => 1.12,
        _ => 0.95,
    }
}

const FIRST_SYLLABLE: u32 = '가' as u32;
const NUM_SYLLABLES: u32 = 19 * 21 * 28;

const INITIALS: [&str; 19] = [
    "ㄱ", "ㄱㄱ", "ㄴ", "ㄷ", "ㄷㄷ", "ㄹ", "ㅁ", "ㅂ", "ㅂㅂ", "ㅅ", "ㅅㅅ", "ㅇ", "ㅈ", "ㅈㅈ", "ㅊ", "ㅋ", "ㅌ",
    "ㅍ", "ㅎ",
];
const VOWELS: [&str; 21] = [
    "ㅏ", "ㅐ", "ㅑ", "ㅒ", "ㅓ", "ㅔ", "ㅕ", "ㅖ", "ㅗ", "ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅛ", "ㅜ", "ㅜㅓ", "ㅜㅔ", "ㅜㅣ",
    "ㅠ", "ㅡ", "ㅡㅣ", "ㅣ",
];
const FINALS: [&str; 28] = [
    "", "ㄱ", "ㄱㄱ", "ㄱㅅ", "ㄴ", "ㄴㅈ", "ㄴㅎ", "ㄷ", "ㄹ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ", "ㄹㅍ", "ㄹㅎ",
    "ㅁ", "ㅂ", "ㅂㅅ", "ㅅ", "ㅅㅅ", "ㅇ", "ㅈ", "ㅊ", "ㅋ", "ㅌ", "ㅍ", "ㅎ",
];

fn jamo(letter: char) -> &'static str {
    match letter {
        'ㄱ' => "008088",
        'ㄴ' => "000888",
        'ㄷ' => "80000888",
        'ㄹ' => "008084040888",
        'ㅁ' => "0080880800",
        'ㅂ' => "0008 8088 0484 0888",
        'ㅅ' => "4008 4388",
        'ㅇ' => "o0088",
        'ㅈ' => "0080 4008 4488",
        'ㅊ' => "3050 0282 4208 4588",
        'ㅋ' => "008088 0484",
        'ㅌ' => "80000888 0484",
        'ㅍ' => "0080 2028 6068 0888",
        'ㅎ' => "3050 0282 o1478",
        'ㅏ' => "4048 4484",
        'ㅐ' => "3038 7078 3474",
        'ㅑ' => "4048 4383 4585",
        'ㅒ' => "3038 7078 3373 3575",
        'ㅓ' => "6068 0464",
        'ㅔ' => "5058 8088 0454",
        'ㅕ' => "6068 0363 0565",
        'ㅖ' => "5058 8088 0353 0555",
        'ㅗ' => "0686 4146",
        'ㅛ' => "0686 3136 5156",
        'ㅜ' => "0282 4248",
        'ㅠ' => "0282 3238 5258",
        'ㅡ' => "0484",
        'ㅣ' => "4048",
        _ => "",
    }
}

fn latin(letter: char) -> &'static str {
    match letter {
        'A' => "084088 2565",
        'B' => "08005071735404 5485875808",
        'C' => "8160200206286887",
        'D' => "00085886825000",
        'E' => "80000888 0464",
        'F' => "800008 0464",
        'G' => "81602002062868868454",
        'H' => "0008 8088 0484",
        'I' => "4048",
        'J' => "6066482806",
        'K' => "0008 8004 2388",
        'L' => "000888",
        'M' => "0800448088",
        'N' => "08008880",
        'O' => "o0088",
        'P' => "08006081836404",
        'Q' => "o0088 5588",
        'R' => "08006081836404 4488",
        'S' => "816020010324648587682807",
        'T' => "0080 4048",
        'U' => "000628688680",
        'V' => "004880",
        'W' => "0028436880",
        'X' => "0088 8008",
        'Y' => "004480 4448",
        'Z' => "00800888",
        '0' => "o1078",
        '1' => "224048",
        '2' => "02206082840888",
        '3' => "008043738587682807",
        '4' => "68600686",
        '5' => "800004648587682807",
        '6' => "70220507286887856414",
        '7' => "008038",
        '8' => "o1074 o0488",
        '9' => "o0085 8358",
        '.' => "4748",
        ',' => "4738",
        '-' => "1474",
        ':' => "4243 4647",
        '/' => "0880",
        _ => "",
    }
}

fn parse(written: &str) -> Glyph {
    let stroke = |text: &str| -> Vec<Point> {
        let digits: Vec<f32> = text.bytes().filter(u8::is_ascii_digit).map(|c| f32::from(c - b'0') / 8.0).collect();
        let points: Vec<Point> = digits.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
        match (text.starts_with('o'), &points[..]) {
            (true, [[left, top], [right, bottom]]) => ellipse([*left, *top, *right, *bottom]),
            _ => points,
        }
    };
    written.split(' ').filter(|text| !text.is_empty()).map(stroke).collect()
}

fn ellipse([left, top, right, bottom]: [f32; 4]) -> Vec<Point> {
    let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
    let half = [(right - left) / 2.0, (bottom - top) / 2.0];
    let point = |at: usize| {
        let (sin, cos) = (at as f32 / 16.0 * std::f32::consts::TAU).sin_cos();
        [centre[0] + half[0] * sin, centre[1] - half[1] * cos]
    };
    (0..=16).map(point).collect()
}

fn fit(glyph: &Glyph, [left, top, right, bottom]: [f32; 4]) -> Glyph {
    let map = |[x, y]: &Point| [left + x * (right - left), top + y * (bottom - top)];
    glyph.iter().map(|stroke| stroke.iter().map(map).collect()).collect()
}

/// One jamo, or two side by side, in a box.
fn jamos(letters: &str, [left, top, right, bottom]: [f32; 4]) -> Glyph {
    let count = letters.chars().count().max(1) as f32;
    let step = (right - left) / count;
    let gap = if count > 1.0 { 0.12 * step } else { 0.0 };
    let place = |(at, letter): (usize, char)| {
        let start = left + at as f32 * step;
        fit(&parse(jamo(letter)), [start + gap, top, start + step - gap, bottom])
    };
    letters.chars().enumerate().flat_map(place).collect()
}

fn syllable(index: usize) -> Glyph {
    let (initial, vowel, last) = (INITIALS[index / 588], VOWELS[index % 588 / 28], FINALS[index % 28]);
    let has_last = !last.is_empty();
    let parts: Vec<char> = vowel.chars().collect();
    let is_flat = |letter: &char| matches!(letter, 'ㅗ' | 'ㅛ' | 'ㅜ' | 'ㅠ' | 'ㅡ');
    let mut glyph = match &parts[..] {
        [flat, tall] => {
            let depth = if has_last { 0.64 } else { 1.0 };
            let mut glyph = jamos(initial, [0.06, 0.02, 0.58, 0.44 * depth]);
            glyph.extend(fit(&parse(jamo(*flat)), [0.0, 0.5 * depth, 0.64, 0.95 * depth]));
            glyph.extend(fit(&parse(jamo(*tall)), [0.6, 0.0, 1.0, depth]));
            glyph
        }
        _ if parts.iter().all(is_flat) => {
            let [first, second] = if has_last { [0.28, 0.6] } else { [0.46, 1.0] };
            let mut glyph = jamos(initial, [0.18, 0.0, 0.82, first]);
            glyph.extend(jamos(vowel, [0.0, first + 0.02, 1.0, second]));
            glyph
        }
        _ => {
            let [first, second] = if has_last { [0.5, 0.58] } else { [0.92, 1.0] };
            let mut glyph = jamos(initial, [0.04, 0.06, 0.54, first]);
            glyph.extend(jamos(vowel, [0.58, 0.0, 1.0, second]));
            glyph
        }
    };
    if has_last {
        glyph.extend(jamos(last, [0.16, 0.68, 0.9, 1.0]));
    }
    glyph
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_alphabet_stays_in_its_box() {
        let letters = ('가'..='힣').chain('A'..='Z').chain('a'..='z').chain('0'..='9').chain(".,-:/".chars());
        for letter in letters {
            let glyph = glyph(letter);
            assert!(!glyph.is_empty() && glyph.iter().all(|stroke| stroke.len() >= 2), "`{letter}`");
            assert!(glyph.iter().flatten().flatten().all(|at| (-0.001..=1.001).contains(at)), "`{letter}`");
        }
    }

    #[test]
    fn syllables_that_differ_in_one_jamo_differ() {
        assert_ne!(glyph('각'), glyph('간'));
        assert_ne!(glyph('고'), glyph('구'));
        assert_ne!(glyph('과'), glyph('고'));
    }
}
