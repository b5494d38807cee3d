//! A picture as light that comes back from paper, whatever the scanner did to it.
//!
//! In: a PNG or JPEG file. Out: a [`Page`] at about 150 dpi whose paper is white everywhere, with or without colour.

use std::path::Path;

use image::{ImageReader, RgbImage};

use super::{Area, Error};

/// A3 at 400 dpi has 31 million.
pub const MAX_PIXELS: u64 = 40_000_000;
/// A mark of fewer pixels a side shows nothing.
pub const MIN_SIDE: u32 = 24;
/// Longer sides are those of scans finer than needed.
const MAX_SIDE: usize = 2400;
/// Side of the squares whose paper is looked for.
const CELL: usize = 32;
/// Colour that pages without any have, from noise and compression.
const GREY: f32 = 0.1;

/// Light from 0 to 1 in red, green and blue, 1 being the paper.
#[derive(Clone, Debug)]
pub struct Page {
    pub width: usize,
    pub height: usize,
    pub light: Vec<[f32; 3]>,
    /// Pixels of the file to one of the page, each way.
    pub reduction: usize,
    pub has_colour: bool,
}

impl Page {
    /// # Errors
    /// No file, no picture, one too large or too small.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs_err::read(path).map_err(|source| Error::Disk { act: "read", path: path.into(), source })?;
        Self::parse(&bytes, &path.display().to_string())
    }

    /// The page of a file's bytes; `name` is what errors call it.
    ///
    /// # Errors
    /// No picture, one too large or too small.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, Error> {
        let open = || ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format();
        let not_image = |reason: String| Error::NotImage { name: name.into(), reason };
        let reader = open().map_err(|error| not_image(error.to_string()))?;
        let (width, height) = reader.into_dimensions().map_err(|error| not_image(error.to_string()))?;
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MAX_PIXELS {
            return Err(Error::TooLarge { name: name.into(), width, height, most: MAX_PIXELS });
        }
        if width.min(height) < MIN_SIDE {
            return Err(Error::TooSmall { name: name.into(), width, height, least: MIN_SIDE });
        }
        let reader = open().map_err(|error| not_image(error.to_string()))?;
        let picture = reader.decode().map_err(|error| not_image(error.to_string()))?;
        Ok(Self::of(&picture.into_rgb8()))
    }

    pub fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let reduction = width.max(height).div_ceil(MAX_SIDE);
        let mut page = Self::reduced(picture, reduction, width / reduction, height / reduction);
        let papers = page.papers();
        page.whiten(&papers);
        let mut colours: Vec<f32> = page.light.iter().step_by(7).map(colour).collect();
        // One point in 300: the ink of one small stamp.
        let rank = colours.len() - 1 - colours.len() / 300;
        let (_, strong, _) = colours.select_nth_unstable_by(rank, f32::total_cmp);
        page.has_colour = *strong > GREY;
        page
    }

    fn reduced(picture: &RgbImage, reduction: usize, width: usize, height: usize) -> Self {
        let share = 1.0 / (255 * reduction * reduction) as f32;
        let mut light = vec![[0.0; 3]; width * height];
        let bytes = picture.as_raw();
        for (at, pixel) in light.iter_mut().enumerate() {
            let (left, top) = (at % width * reduction, at / width * reduction);
            for y in top..top + reduction {
                for x in left..left + reduction {
                    let from = 3 * (y * picture.width() as usize + x);
                    for (sum, byte) in pixel.iter_mut().zip(&bytes[from..from + 3]) {
                        *sum += f32::from(*byte) * share;
                    }
                }
            }
        }
        Self { width, height, light, reduction, has_colour: false }
    }

    /// The paper's light in each square: what four in five of its points do not exceed, so that ink does not count.
    fn papers(&self) -> Papers {
        let (columns, rows) = (self.width.div_ceil(CELL), self.height.div_ceil(CELL));
        let mut lights = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let mut held: [Vec<f32>; 3] = [const { Vec::new() }; 3];
                for y in (row * CELL..((row + 1) * CELL).min(self.height)).step_by(2) {
                    for x in (column * CELL..((column + 1) * CELL).min(self.width)).step_by(2) {
                        for (values, light) in held.iter_mut().zip(self.light[y * self.width + x]) {
                            values.push(light);
                        }
                    }
                }
                lights.push(held.map(|mut values| {
                    let rank = values.len() * 4 / 5;
                    let (_, light, _) = values.select_nth_unstable_by(rank, f32::total_cmp);
                    light.max(0.2)
                }));
            }
        }
        Papers { columns, rows, lights }
    }

    fn whiten(&mut self, papers: &Papers) {
        for y in 0..self.height {
            for x in 0..self.width {
                let paper = papers.at(x, y);
                let pixel = &mut self.light[y * self.width + x];
                for (light, paper) in pixel.iter_mut().zip(paper) {
                    *light = (*light / paper).min(1.0);
                }
            }
        }
    }

    /// Whether anything at all is on the paper.
    pub fn is_empty(&self) -> bool {
        let inked = self.light.iter().filter(|pixel| darkness(pixel) > 0.2).count();
        inked < 40
    }

    /// The whole of it.
    pub fn area(&self) -> Area {
        Area { left: 0.0, top: 0.0, right: self.width as f32, bottom: self.height as f32 }
    }
}

/// The paper's light, square by square.
struct Papers {
    columns: usize,
    rows: usize,
    lights: Vec<[f32; 3]>,
}

impl Papers {
    /// Between the middles of squares.
    fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let place = |at: usize, count: usize| {
            let at = (at as f32 / CELL as f32 - 0.5).clamp(0.0, (count - 1) as f32);
            let first = at as usize;
            (first, (first + 1).min(count - 1), at - first as f32)
        };
        let ((left, right, across), (top, bottom, down)) = (place(x, self.columns), place(y, self.rows));
        std::array::from_fn(|channel| {
            let light = |row: usize, column: usize| self.lights[row * self.columns + column][channel];
            let above = light(top, left) + across * (light(top, right) - light(top, left));
            let below = light(bottom, left) + across * (light(bottom, right) - light(bottom, left));
            above + down * (below - above)
        })
    }
}

/// Share of light that is taken away.
pub fn darkness([red, green, blue]: &[f32; 3]) -> f32 {
    1.0 - 0.299 * red - 0.587 * green - 0.114 * blue
}

/// How far the channels are apart.
pub fn colour([red, green, blue]: &[f32; 3]) -> f32 {
    red.max(*green).max(*blue) - red.min(*green).min(*blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_paper_becomes_white_and_ink_stays() {
        let picture = RgbImage::from_fn(200, 100, |x, y| {
            let paper = 250 - (x / 2) as u8;
            if (80..120).contains(&x) && y == 50 { image::Rgb([30, 30, 30]) } else { image::Rgb([paper; 3]) }
        });
        let page = Page::of(&picture);
        assert!(page.light.iter().all(|pixel| darkness(pixel) < 0.12 || darkness(pixel) > 0.8));
        assert!(!page.has_colour && page.reduction == 1);
    }

    #[test]
    fn what_is_no_picture_or_too_small_is_named() {
        let error = Page::parse(b"no picture", "a.png").unwrap_err().to_string();
        assert!(error.contains("`a.png` is no picture that can be read"), "{error}");
        let mut bytes = std::io::Cursor::new(Vec::new());
        RgbImage::new(10, 90).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let error = Page::parse(bytes.get_ref(), "b.png").unwrap_err().to_string();
        assert!(error.contains("10 x 90") && error.contains("24"), "{error}");
    }
}
