//! Where nodes are put: springs pull what is joined together, all push each other away (Fruchterman and Reingold 1991),
//! and at the end boxes that still lie on each other are moved apart. Nothing is drawn by chance.

use std::f64::consts::TAU;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// How far a node with its label reaches from its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Box2 {
    pub half_width: f64,
    pub above: f64,
    pub below: f64,
}

/// Wished length of an edge in pixels.
const LENGTH: f64 = 110.0;
const ROUNDS: usize = 400;
const ROUNDS_APART: usize = 200;
/// Labels are wide and low: what is pushed sideways gets more room than what is pushed up.
const WIDER: f64 = 1.5;

/// A place for each node. `steps` from the centre, `springs` between nodes with their strength.
pub fn place(steps: &[usize], springs: &[(usize, usize, f64)], boxes: &[Box2]) -> Vec<Point> {
    let mut points = rings(steps);
    for round in 0..ROUNDS {
        let heat = LENGTH * (1.0 - round as f64 / ROUNDS as f64) / 4.0;
        let mut moves = vec![Point { x: 0.0, y: 0.0 }; points.len()];
        for a in 0..points.len() {
            for b in 0..a {
                let (dx, dy) = (points[a].x - points[b].x, points[a].y - points[b].y);
                let square = (dx * dx + dy * dy).max(1.0);
                let force = LENGTH * LENGTH / square;
                moves[a].x += dx * force / square.sqrt() * WIDER;
                moves[a].y += dy * force / square.sqrt();
                moves[b].x -= dx * force / square.sqrt() * WIDER;
                moves[b].y -= dy * force / square.sqrt();
            }
        }
        for (a, b, strength) in springs {
            let (dx, dy) = (points[*a].x - points[*b].x, points[*a].y - points[*b].y);
            let pull = dx.hypot(dy) / LENGTH * (0.5 + strength) / 10.0;
            for (at, sign) in [(*a, -1.0), (*b, 1.0)] {
                moves[at].x += sign * dx * pull;
                moves[at].y += sign * dy * pull;
            }
        }
        for (at, (point, wanted)) in points.iter_mut().zip(&moves).enumerate() {
            if steps[at] == 0 {
                continue;
            }
            let length = wanted.x.hypot(wanted.y).max(1e-9);
            point.x += wanted.x / length * length.min(heat);
            point.y += wanted.y / length * length.min(heat);
        }
    }
    move_apart(&mut points, boxes);
    points
}

/// Where the springs begin: nodes in circles by their steps from the centre.
fn rings(steps: &[usize]) -> Vec<Point> {
    let mut placed = vec![0.0; steps.iter().max().map_or(1, |most| most + 1)];
    let on_ring = |step: usize| steps.iter().filter(|other| **other == step).count().max(1) as f64;
    let place = |step: &usize| {
        let turn = TAU * placed[*step] / on_ring(*step) + *step as f64;
        placed[*step] += 1.0;
        let radius = LENGTH * *step as f64;
        Point { x: radius * turn.cos() * WIDER, y: radius * turn.sin() }
    };
    steps.iter().map(place).collect()
}

/// Moves boxes that lie on each other apart, along the way that is shorter.
fn move_apart(points: &mut [Point], boxes: &[Box2]) {
    for _ in 0..ROUNDS_APART {
        let mut is_clear = true;
        for a in 0..points.len() {
            for b in 0..a {
                let across = boxes[a].half_width + boxes[b].half_width - (points[a].x - points[b].x).abs();
                let a_is_lower = points[a].y >= points[b].y;
                let down = match a_is_lower {
                    true => boxes[b].below + boxes[a].above - (points[a].y - points[b].y),
                    false => boxes[a].below + boxes[b].above - (points[b].y - points[a].y),
                };
                if across <= 0.0 || down <= 0.0 {
                    continue;
                }
                is_clear = false;
                if across < down {
                    let sign = if points[a].x >= points[b].x { 1.0 } else { -1.0 };
                    points[a].x += sign * (across / 2.0 + 0.5);
                    points[b].x -= sign * (across / 2.0 + 0.5);
                } else {
                    let sign = if a_is_lower { 1.0 } else { -1.0 };
                    points[a].y += sign * (down / 2.0 + 0.5);
                    points[b].y -= sign * (down / 2.0 + 0.5);
                }
            }
        }
        if is_clear {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_boxes_lie_on_each_other_and_the_same_nodes_get_the_same_places() {
        let steps: Vec<usize> = (0..40).map(|at| usize::from(at > 0) + usize::from(at > 12)).collect();
        let springs: Vec<(usize, usize, f64)> =
            (1..40).map(|at| (at, if at > 12 { at % 12 + 1 } else { 0 }, 0.5)).collect();
        let boxes = vec![Box2 { half_width: 60.0, above: 12.0, below: 24.0 }; 40];
        let points = place(&steps, &springs, &boxes);
        assert_eq!(points, place(&steps, &springs, &boxes));
        for a in 0..points.len() {
            for b in 0..a {
                let (dx, dy) = ((points[a].x - points[b].x).abs(), (points[a].y - points[b].y).abs());
                assert!(dx >= 119.9 || dy >= 35.9, "{a} and {b}: {dx} {dy}");
            }
        }
    }
}
