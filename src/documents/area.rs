//! Boxes on a page.

use serde::{Deserialize, Serialize};

/// A box in pixels from the page's upper left corner; right and bottom lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Area {
    pub fn around([left, top, right, bottom]: [f32; 4]) -> Self {
        Self { left, top, right, bottom }
    }

    pub fn width(&self) -> f32 {
        (self.right - self.left).max(0.0)
    }

    pub fn height(&self) -> f32 {
        (self.bottom - self.top).max(0.0)
    }

    /// Square pixels.
    pub fn size(&self) -> f32 {
        self.width() * self.height()
    }

    /// The same box with so many pixels more at each side.
    pub fn grown(&self, by: f32) -> Self {
        Self { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    /// The same box in a picture so many times smaller.
    pub fn divided(&self, by: usize) -> Self {
        self.scaled(1.0 / by as f32)
    }

    /// The same box in a picture so many times larger.
    pub fn multiplied(&self, by: usize) -> Self {
        self.scaled(by as f32)
    }

    fn scaled(&self, by: f32) -> Self {
        Self { left: self.left * by, top: self.top * by, right: self.right * by, bottom: self.bottom * by }
    }

    /// The smallest box around both.
    pub fn joined(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Square pixels that lie in both.
    pub fn shared(&self, other: &Self) -> f32 {
        let across = self.right.min(other.right) - self.left.max(other.left);
        let down = self.bottom.min(other.bottom) - self.top.max(other.top);
        across.max(0.0) * down.max(0.0)
    }

    /// What they share over what they cover together.
    pub fn overlap(&self, other: &Self) -> f32 {
        let shared = self.shared(other);
        let both = self.size() + other.size() - shared;
        if both > 0.0 { shared / both } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_what_is_shared_over_what_is_covered() {
        let area = Area::around([0.0, 0.0, 10.0, 10.0]);
        assert_eq!(area.overlap(&Area::around([5.0, 0.0, 15.0, 10.0])), 50.0 / 150.0);
        assert_eq!(area.overlap(&Area::around([20.0, 0.0, 30.0, 10.0])), 0.0);
        assert_eq!(area.joined(&Area::around([20.0, 0.0, 30.0, 12.0])).size(), 360.0);
    }
}
