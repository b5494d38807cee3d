//! The scanner: what it does to a sheet between the glass and the file.
//!
//! The amounts of [`Scan::draw`] are those of an office scanner at 150 dpi. The order is that of the machine: geometry,
//! optics, light, noise, then JPEG.

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageFormat, RgbImage};
use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;

use super::impression::Canvas;
use super::raster::Point;
use crate::documents::plane::Plane;

#[derive(Clone, Debug)]
pub struct Scan {
    /// Turn of the sheet, in radians.
    turn: f32,
    /// By how much the picture is larger than it should be.
    scale: f32,
    /// Spread of the blur, in pixels.
    blur: f32,
    /// How much darker one edge is than the other, across and down.
    light: Point,
    /// Spread of the noise, in levels of 255.
    noise: f32,
    quality: u8,
    pub is_grey: bool,
}

pub const MAX_TURN_DEGREES: f32 = 1.5;
pub const MAX_SCALE: f32 = 0.02;
pub const BLUR: [f32; 2] = [0.3, 0.9];
pub const MAX_LIGHT: f32 = 0.12;
pub const NOISE: [f32; 2] = [1.0, 6.0];
pub const QUALITY: [u8; 2] = [55, 92];
/// Share of scans without colour.
pub const GREY: f64 = 0.3;

impl Scan {
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let turn = MAX_TURN_DEGREES.to_radians();
        Self {
            turn: rng.random_range(-turn..turn),
            scale: 1.0 + rng.random_range(-MAX_SCALE..MAX_SCALE),
            blur: rng.random_range(BLUR[0]..BLUR[1]),
            light: [rng.random_range(-MAX_LIGHT..MAX_LIGHT), rng.random_range(-MAX_LIGHT..MAX_LIGHT)],
            noise: rng.random_range(NOISE[0]..NOISE[1]),
            quality: rng.random_range(QUALITY[0]..QUALITY[1]),
            is_grey: rng.random_bool(GREY),
        }
    }

    /// Where a point of the sheet comes to lie.
    pub fn map(&self, canvas: &Canvas, [x, y]: Point) -> Point {
        let (middle, (sin, cos)) = ([canvas.width as f32 / 2.0, canvas.height as f32 / 2.0], self.turn.sin_cos());
        let (x, y) = (x - middle[0], y - middle[1]);
        [middle[0] + self.scale * (x * cos - y * sin), middle[1] + self.scale * (x * sin + y * cos)]
    }

    pub fn apply(&self, canvas: &Canvas, rng: &mut ChaCha8Rng) -> RgbImage {
        let channels = self.turned(canvas).map(|plane| plane.blurred(self.blur));
        let (width, height) = (canvas.width, canvas.height);
        let mut bytes = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let (across, down) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.5);
                let light = 1.0 + self.light[0] * across + self.light[1] * down - MAX_LIGHT * 0.5;
                let at = y * width + x;
                let mut levels: [f32; 3] =
                    std::array::from_fn(|c| 255.0 * light * channels[c].values[at] + self.noise * rough_normal(rng));
                if self.is_grey {
                    levels = [0.299 * levels[0] + 0.587 * levels[1] + 0.114 * levels[2]; 3];
                }
                bytes.extend(levels.map(|level| level.round().clamp(0.0, 255.0) as u8));
            }
        }
        let sheet = RgbImage::from_raw(width as u32, height as u32, bytes).expect("three bytes a pixel were written");
        compressed(&sheet, self.quality, self.is_grey)
    }

    fn turned(&self, canvas: &Canvas) -> [Plane; 3] {
        let middle = [canvas.width as f32 / 2.0, canvas.height as f32 / 2.0];
        let ((sin, cos), shrink) = ((-self.turn).sin_cos(), 1.0 / self.scale);
        let mut channels = [(); 3].map(|()| Plane::new(canvas.width, canvas.height));
        let limit = [canvas.width as f32 - 1.001, canvas.height as f32 - 1.001];
        for y in 0..canvas.height {
            for x in 0..canvas.width {
                let (dx, dy) = (x as f32 - middle[0], y as f32 - middle[1]);
                // Beyond the sheet lies more of its edge.
                let from_x = (middle[0] + shrink * (dx * cos - dy * sin)).clamp(0.0, limit[0]);
                let from_y = (middle[1] + shrink * (dx * sin + dy * cos)).clamp(0.0, limit[1]);
                let (left, top) = (from_x as usize, from_y as usize);
                let (part_x, part_y) = (from_x - left as f32, from_y - top as f32);
                let first = top * canvas.width + left;
                let corners = [first, first + 1, first + canvas.width, first + canvas.width + 1];
                let [a, b, c, d] = corners.map(|at| canvas.pixels[at]);
                for (channel, plane) in channels.iter_mut().enumerate() {
                    let above = a[channel] + part_x * (b[channel] - a[channel]);
                    let below = c[channel] + part_x * (d[channel] - c[channel]);
                    plane.values[y * canvas.width + x] = above + part_y * (below - above);
                }
            }
        }
        channels
    }
}

/// The sheet as its JPEG file shows it.
fn compressed(sheet: &RgbImage, quality: u8, is_grey: bool) -> RgbImage {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, quality);
    let written = if is_grey {
        let grey: Vec<u8> = sheet.pixels().map(|pixel| pixel.0[0]).collect();
        image::ImageEncoder::write_image(encoder, &grey, sheet.width(), sheet.height(), ExtendedColorType::L8)
    } else {
        image::ImageEncoder::write_image(encoder, sheet, sheet.width(), sheet.height(), ExtendedColorType::Rgb8)
    };
    written.expect("a sheet in memory is a JPEG file in memory");
    let read = image::load_from_memory_with_format(&file, ImageFormat::Jpeg);
    DynamicImage::into_rgb8(read.expect("what was just written can be read"))
}

/// Nearly normal, spread 1, from one word of chance.
fn rough_normal(rng: &mut ChaCha8Rng) -> f32 {
    let word = rng.next_u32();
    let sum: u32 = word.to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
    (sum as f32 - 510.0) / 147.8
}
