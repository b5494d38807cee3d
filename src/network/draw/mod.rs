//! A part of the network as SVG: nodes by kind, edges by kind and strength, labels in either language that do not lie
//! on each other. The same part gives the same picture.

mod layout;

use std::collections::HashMap;
use std::fmt::Write;

use super::around::{EdgeView, NodeView, View};
use super::{EdgeKind, NodeKind};
use crate::lang::Language;
use layout::{Box2, Point};

/// Letters in pixels.
const FONT: f64 = 12.0;
const MARGIN: f64 = 40.0;
/// Room for the legend below.
const LEGEND: f64 = 56.0;
/// Edges from this length on have room for a share.
const SHORT: f64 = 60.0;
/// Longest label in letters; what is longer ends in a mark.
const MAX_LABEL: usize = 26;

impl View {
    /// The picture.
    pub fn svg(&self, language: Language) -> String {
        let labels: Vec<String> = self.nodes.iter().map(|node| label(node, language)).collect();
        let boxes: Vec<Box2> = self.nodes.iter().zip(&labels).map(|(node, label)| extent(node, label)).collect();
        let places: HashMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(place, node)| (node.key.as_str(), place)).collect();
        let ends = |edge: &EdgeView| Some((*places.get(edge.from.as_str())?, *places.get(edge.to.as_str())?));
        let springs: Vec<(usize, usize, f64)> =
            self.edges.iter().filter_map(|edge| ends(edge).map(|(a, b)| (a, b, edge.strength))).collect();
        let steps: Vec<usize> = self.nodes.iter().map(|node| node.steps).collect();
        let points = layout::place(&steps, &springs, &boxes);
        let frame = Frame::around(&points, &boxes);
        let mut svg = frame.open(self, language);
        for edge in &self.edges {
            if let Some((a, b)) = ends(edge) {
                draw_edge(&mut svg, edge, frame.shift(points[a]), frame.shift(points[b]), radius(&self.nodes[b]));
            }
        }
        for ((node, label), point) in self.nodes.iter().zip(&labels).zip(&points) {
            draw_node(&mut svg, node, label, frame.shift(*point), node.key == self.centre);
        }
        frame.legend(&mut svg, self, language);
        svg.push_str("</svg>\n");
        svg
    }
}

/// The visible part of the plane.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Frame {
    fn around(points: &[Point], boxes: &[Box2]) -> Self {
        let mut frame = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (point, extent) in points.iter().zip(boxes) {
            frame.0 = frame.0.min(point.x - extent.half_width);
            frame.1 = frame.1.min(point.y - extent.above);
            frame.2 = frame.2.max(point.x + extent.half_width);
            frame.3 = frame.3.max(point.y + extent.below);
        }
        // The legend needs its width whatever is drawn.
        let width = (frame.2 - frame.0 + 2.0 * MARGIN).max(760.0);
        let height = frame.3 - frame.1 + 2.0 * MARGIN + LEGEND;
        let left = (frame.0 + frame.2 - width) / 2.0;
        Self { left, top: frame.1 - MARGIN, width, height }
    }

    fn shift(&self, point: Point) -> Point {
        Point { x: point.x - self.left, y: point.y - self.top }
    }

    fn open(&self, view: &View, language: Language) -> String {
        let (width, height) = (self.width, self.height);
        let centre = view.nodes.iter().find(|node| node.key == view.centre);
        let name = centre.map_or_else(String::new, |node| label(node, language));
        let title = match language {
            Language::Ko => format!("{name}의 관계망"),
            Language::En => format!("The network around {name}"),
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" font-family=\"'Noto Sans KR', 'Noto Sans CJK KR', sans-serif\" font-size=\"{FONT}\" \
             lang=\"{language}\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <defs><marker id=\"owns\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"9\" markerHeight=\"9\" \
             markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"{}\"/></marker></defs>\n",
            escape(&title),
            edge_colour(EdgeKind::Owner),
        )
    }

    /// What colours mean, and what is to be known of the picture as a whole.
    fn legend(&self, svg: &mut String, view: &View, language: Language) {
        let y = self.height - LEGEND + 10.0;
        let mut x = MARGIN;
        const KINDS: [EdgeKind; 9] = [
            EdgeKind::Owner,
            EdgeKind::Officer,
            EdgeKind::Family,
            EdgeKind::Address,
            EdgeKind::Phone,
            EdgeKind::Account,
            EdgeKind::Partner,
            EdgeKind::Related,
            EdgeKind::Broker,
        ];
        for kind in KINDS.into_iter().filter(|kind| view.edges.iter().any(|edge| edge.kind == *kind)) {
            let word = edge_word(kind, language);
            let end = x + 18.0;
            let colour = edge_colour(kind);
            push(svg, format_args!("<path d=\"M{x:.0} {y:.0}H{end:.0}\" stroke=\"{colour}\" stroke-width=\"3\"/>"));
            push(svg, format_args!("<text x=\"{:.0}\" y=\"{:.0}\" fill=\"#333\">{word}</text>\n", end + 5.0, y + 4.0));
            x = end + 18.0 + width_of(word);
        }
        let mut notes = Vec::new();
        notes.push(match language {
            Language::Ko => "굵은 선: 가까운 관계, 점선: 여러 곳이 공유하여 비중이 작음, 회색: 폐업",
            Language::En => "thick: close; dashed: shared by many, weighs little; grey: closed",
        });
        if view.is_cut {
            notes.push(match language {
                Language::Ko => "가까운 것만 그림",
                Language::En => "only the closest are drawn",
            });
        }
        if view.demo {
            notes.push(match language {
                Language::Ko => "가상 자료",
                Language::En => "invented data",
            });
        }
        let text = notes.join(" · ");
        push(svg, format_args!("<text x=\"{MARGIN}\" y=\"{:.0}\" fill=\"#666\">{text}</text>\n", y + 26.0));
    }
}

fn push(svg: &mut String, text: std::fmt::Arguments) {
    svg.write_fmt(text).expect("a string takes all that is written to it");
}

fn draw_edge(svg: &mut String, edge: &EdgeView, from: Point, to: Point, end_radius: f64) {
    let colour = edge_colour(edge.kind);
    let width = 0.8 + 2.2 * edge.strength;
    let dashes = if edge.shared_by.is_some() { " stroke-dasharray=\"4 4\"" } else { "" };
    let is_owner = edge.kind == EdgeKind::Owner;
    let marker = if is_owner { " marker-end=\"url(#owns)\"" } else { "" };
    // The head of an arrow is to be seen beside the node, not under it.
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy).max(1.0);
    let cut = if is_owner { (end_radius + 2.0).min(length / 2.0) } else { 0.0 };
    let end = Point { x: to.x - dx / length * cut, y: to.y - dy / length * cut };
    push(
        svg,
        format_args!(
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{colour}\" stroke-width=\"{width:.1}\" fill=\"none\"{dashes}{marker}>\
             <title>{}</title></path>\n",
            from.x,
            from.y,
            end.x,
            end.y,
            escape(&format!("{} / {}", edge.ko, edge.en)),
        ),
    );
    // On a short edge it would lie under the labels of its ends.
    if let Some(share) = edge.share.filter(|_| length > SHORT) {
        let (x, y) = ((from.x + end.x) / 2.0, (from.y + end.y) / 2.0 - 3.0);
        push(
            svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"{colour}\" stroke=\"#fff\" \
                 stroke-width=\"3\" paint-order=\"stroke\">{:.0}%</text>\n",
                share * 100.0
            ),
        );
    }
}

fn draw_node(svg: &mut String, node: &NodeView, label: &str, at: Point, is_centre: bool) {
    let Point { x, y } = at;
    let radius = radius(node);
    let fill = if node.is_closed { "#9e9e9e" } else { node_colour(node.kind) };
    let (stroke, width) = if is_centre { ("#000", 3.0) } else { ("#fff", 1.5) };
    let style = format!("fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"");
    match node.kind {
        NodeKind::Company => {
            let (left, top, side) = (x - radius, y - radius, 2.0 * radius);
            push(
                svg,
                format_args!(
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{side}\" height=\"{side}\" rx=\"3\" {style}/>"
                ),
            );
        }
        NodeKind::Address | NodeKind::Phone | NodeKind::Account => push(
            svg,
            format_args!(
                "<path d=\"M{x:.1} {:.1}l{radius} {radius}l-{radius} {radius}l-{radius} -{radius}z\" {style}/>",
                y - radius
            ),
        ),
        NodeKind::Person | NodeKind::Seller | NodeKind::Broker => {
            push(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" {style}/>"));
        }
    }
    let weight = if is_centre { " font-weight=\"bold\"" } else { "" };
    push(
        svg,
        format_args!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#222\" stroke=\"#fff\" stroke-width=\"3\" \
             paint-order=\"stroke\"{weight}>{}</text>\n",
            y + radius + FONT,
            escape(label)
        ),
    );
}

fn radius(node: &NodeView) -> f64 {
    match node.kind {
        NodeKind::Company => 10.0,
        NodeKind::Person => 8.0,
        _ => 7.0,
    }
}

fn label(node: &NodeView, language: Language) -> String {
    let (first, second) = match language {
        Language::Ko => (&node.name_ko, &node.name_en),
        Language::En => (&node.name_en, &node.name_ko),
    };
    let name = first.as_ref().or(second.as_ref()).unwrap_or(&node.id);
    if name.chars().count() <= MAX_LABEL {
        return name.clone();
    }
    name.chars().take(MAX_LABEL - 1).chain(std::iter::once('…')).collect()
}

/// How wide a text is drawn: Hangul is as wide as high, Latin letters about half.
fn width_of(text: &str) -> f64 {
    text.chars().map(|c| if c.is_ascii() { 0.56 * FONT } else { FONT }).sum()
}

/// Node and label together.
fn extent(node: &NodeView, label: &str) -> Box2 {
    let radius = radius(node);
    Box2 { half_width: (width_of(label) / 2.0).max(radius) + 4.0, above: radius + 4.0, below: radius + FONT + 6.0 }
}

fn node_colour(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Company => "#1f5fa8",
        NodeKind::Person => "#b3541e",
        NodeKind::Seller => "#2e7d32",
        NodeKind::Broker => "#6a3d9a",
        NodeKind::Address | NodeKind::Phone | NodeKind::Account => "#00838f",
    }
}

fn edge_colour(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Owner => "#c62828",
        EdgeKind::Officer => "#b3541e",
        EdgeKind::Family => "#d81b8c",
        EdgeKind::Address => "#00838f",
        EdgeKind::Phone => "#3f7fbf",
        EdgeKind::Account => "#5d4037",
        EdgeKind::Partner => "#81b784",
        EdgeKind::Related => "#1b5e20",
        EdgeKind::Broker => "#a48cc0",
    }
}

fn edge_word(kind: EdgeKind, language: Language) -> &'static str {
    let (ko, en) = match kind {
        EdgeKind::Owner => ("지분", "owner"),
        EdgeKind::Officer => ("임원", "officer"),
        EdgeKind::Family => ("가족", "family"),
        EdgeKind::Address => ("주소", "address"),
        EdgeKind::Phone => ("전화", "phone"),
        EdgeKind::Account => ("계좌", "account"),
        EdgeKind::Partner => ("거래", "trade"),
        EdgeKind::Related => ("특수관계", "related"),
        EdgeKind::Broker => ("관세사", "broker"),
    };
    match language {
        Language::Ko => ko,
        Language::En => en,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
