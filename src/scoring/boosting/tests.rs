use proptest::prelude::*;

use super::*;

fn growth(max_leaves: usize) -> Growth {
    Growth { max_leaves, max_depth: 16, min_leaf_rows: 1, min_leaf_hessian: 0.0, l2: 0.0, features_per_split: None }
}

fn boosting(max_trees: usize) -> Boosting {
    Boosting {
        max_trees,
        learning_rate: 0.3,
        patience: 10,
        row_share: 1.0,
        feature_share: 1.0,
        features: None,
        growth: Growth { l2: 1.0, min_leaf_rows: 2, ..growth(8) },
        seed: 7,
    }
}

/// One tree on 0 and 1 over all rows.
fn regression_tree(features: &Matrix, labels: &[bool], growth: &Growth) -> Tree {
    let bins = Bins::of(features);
    let binned = bins.apply(features);
    let slopes: Vec<(f32, f32)> = labels.iter().map(|label| (-f32::from(u8::from(*label)), 1.0)).collect();
    let all: Vec<usize> = (0..features.num_columns()).collect();
    let task = Task { bins: &bins, binned: &binned, slopes: &slopes, features: &all, growth };
    let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
    task.grow(&mut rows, &mut ChaCha8Rng::seed_from_u64(0))
}

fn predict(tree: &Tree, row: &[f32]) -> f32 {
    tree.predict_by(|feature| row[feature])
}

/// `num_rows` rows whose label is the exclusive or of the signs of two features, a third saying nothing.
fn exclusive_or(num_rows: usize, seed: u64) -> (Matrix, Vec<bool>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut column = || (0..num_rows).map(|_| rand::Rng::random_range(&mut rng, -1.0_f32..1.0)).collect::<Vec<f32>>();
    let columns = vec![column(), column(), column()];
    let labels = columns[0].iter().zip(&columns[1]).map(|(a, b)| (*a > 0.0) != (*b > 0.0)).collect();
    (Matrix::new(num_rows, columns), labels)
}

#[test]
fn the_first_split_is_the_one_a_hand_computes() {
    let features = Matrix::new(6, vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]);
    let tree = regression_tree(&features, &[false, false, true, true, true, true], &growth(2));
    assert_eq!(
        tree.nodes,
        [
            Node::Split { feature: 0, at: 2.5, missing_left: false, left: 1, right: 2, cover: 6 },
            Node::Leaf { value: 0.0, cover: 2 },
            Node::Leaf { value: 1.0, cover: 4 },
        ]
    );
    assert!((tree.expected() - 4.0 / 6.0).abs() < 1e-12);
}

#[test]
fn missing_values_go_where_they_belong() {
    let nan = f32::NAN;
    let features = Matrix::new(6, vec![vec![1.0, 1.0, 2.0, 2.0, nan, nan]]);
    for (labels, is_left) in
        [([true, true, false, false, true, true], true), ([true, true, false, false, false, false], false)]
    {
        let tree = regression_tree(&features, &labels, &growth(2));
        assert!(matches!(tree.nodes[0], Node::Split { missing_left, .. } if missing_left == is_left), "{tree:?}");
        assert_eq!(predict(&tree, &[nan]), predict(&tree, &[if is_left { 1.0 } else { 2.0 }]));
    }
}

#[test]
fn boosting_learns_what_no_single_feature_tells_and_stops_by_the_watched_rows() {
    let (train, labels) = exclusive_or(2_000, 1);
    let (watched, watched_labels) = exclusive_or(1_000, 2);
    let (fresh, fresh_labels) = exclusive_or(1_000, 3);
    let watched = Labelled { features: &watched, labels: &watched_labels };
    let ensemble = boost(Labelled { features: &train, labels: &labels }, watched, &boosting(500));
    assert!(ensemble.trees.len() < 500, "stopped early");
    let margins = ensemble.margins(&fresh);
    let right = margins.iter().zip(&fresh_labels).filter(|(margin, label)| (**margin > 0.0) == **label).count();
    assert!(right >= 970, "{right} of 1000");
    let loss = |num_trees: usize| {
        let part = Ensemble { base: ensemble.base, trees: ensemble.trees[..num_trees].to_vec() };
        log_loss(&part.margins(watched.features), watched.labels)
    };
    let kept = loss(ensemble.trees.len());
    assert!((1..ensemble.trees.len()).all(|fewer| loss(fewer) >= kept), "the best number of trees is kept");
}

#[test]
fn the_same_seed_grows_the_same_trees_on_any_number_of_threads() {
    let (train, labels) = exclusive_or(3_000, 1);
    let (watched, watched_labels) = exclusive_or(500, 2);
    let boosting = Boosting { row_share: 0.7, feature_share: 0.7, ..boosting(20) };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let train = Labelled { features: &train, labels: &labels };
        let watched = Labelled { features: &watched, labels: &watched_labels };
        pool.install(|| (boost(train, watched, &boosting), bag(train, 5, &growth(8), 3)))
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn a_bagged_forest_votes_between_0_and_1_and_is_right() {
    let (train, labels) = exclusive_or(2_000, 1);
    let (fresh, fresh_labels) = exclusive_or(500, 2);
    let growth = Growth { features_per_split: Some(2), ..growth(64) };
    let votes = bag(Labelled { features: &train, labels: &labels }, 40, &growth, 5).margins(&fresh);
    assert!(votes.iter().all(|vote| (-1e-6..=1.0 + 1e-6).contains(vote)));
    let right = votes.iter().zip(&fresh_labels).filter(|(vote, label)| (**vote > 0.5) == **label).count();
    assert!(right >= 450, "{right} of 500");
}

#[test]
fn a_tree_that_leads_astray_is_not_sound() {
    let leaf = Node::Leaf { value: 1.0, cover: 1 };
    let split = |left, right| Node::Split { feature: 0, at: 0.0, missing_left: true, left, right, cover: 2 };
    let is_sound = |nodes: Vec<Node>| Tree { nodes }.is_sound(1);
    assert!(is_sound(vec![split(1, 2), leaf, leaf]));
    assert!(!is_sound(vec![]), "no root");
    assert!(!is_sound(vec![split(1, 3), leaf, leaf]), "out of the tree");
    assert!(!is_sound(vec![split(0, 2), leaf, leaf]), "in a circle");
    assert!(!Tree { nodes: vec![split(1, 2), leaf, leaf] }.is_sound(0), "asks for a feature there is not");
}

proptest! {
    /// Counting only the smaller child and subtracting must come to what counting every node comes to: leaves hold the
    /// mean label of exactly the rows that walk into them.
    #[test]
    fn every_leaf_says_the_mean_of_its_rows(
        rows in prop::collection::vec(((0..6_u8), (0..6_u8), any::<bool>()), 2..120),
    ) {
        let value = |v: u8| if v == 5 { f32::NAN } else { f32::from(v) };
        let columns = vec![rows.iter().map(|r| value(r.0)).collect(), rows.iter().map(|r| value(r.1)).collect()];
        let features = Matrix::new(rows.len(), columns);
        let labels: Vec<bool> = rows.iter().map(|r| r.2).collect();
        let tree = regression_tree(&features, &labels, &growth(12));
        prop_assert!(tree.is_sound(2));
        let ensemble = Ensemble { base: 0.5, trees: vec![tree.clone(), tree.clone()] };
        for (row, sum) in ensemble.margins(&features).into_iter().enumerate() {
            prop_assert_eq!(sum, 0.5 + 2.0 * f64::from(predict(&tree, &features.row(row))), "rows abreast walk as one does");
        }
        let mut seen = std::collections::HashMap::new();
        for (row, label) in labels.iter().enumerate() {
            let said = predict(&tree, &features.row(row));
            let (positives, count) = seen.entry(said.to_bits()).or_insert((0, 0));
            *positives += u32::from(*label);
            *count += 1;
        }
        for (said, (positives, count)) in seen {
            prop_assert!((f32::from_bits(said) - positives as f32 / count as f32).abs() < 1e-5);
        }
    }
}

#[test]
fn a_mean_is_learnt_by_least_squares_and_only_from_the_features_allowed() {
    let (features, labels) = exclusive_or(3_000, 1);
    let values: Vec<f64> = labels.iter().map(|label| if *label { 5.0 } else { 2.0 }).collect();
    let train = Valued { features: &features, values: &values };
    let ensemble = boost_mean(train, train, &boosting(60));
    let (fresh, fresh_labels) = exclusive_or(500, 2);
    let near = |(told, label): (f64, &bool)| (told - if *label { 5.0 } else { 2.0 }).abs() < 0.3;
    let right = ensemble.margins(&fresh).into_iter().zip(&fresh_labels).filter(|row| near(*row)).count();
    assert!(right >= 470, "{right} of 500");
    let half = boost_mean(train, train, &Boosting { features: Some(vec![1]), ..boosting(5) });
    let asks = |node: &Node| matches!(node, Node::Split { feature, .. } if *feature != 1);
    assert!(!half.trees.iter().flat_map(|tree| &tree.nodes).any(asks), "only the second feature was allowed");
}
