//! LightGBM's text as trees: every line is checked, so that a damaged text is refused here.

use super::{ForestError, Missing, NARROW};

/// A tree as it stands in the text.
pub(super) struct Parsed {
    pub(super) nodes: Vec<ParsedNode>,
    pub(super) leaves: Vec<f64>,
}

/// A node of it; a negative child is a leaf, its number complemented.
pub(super) struct ParsedNode {
    pub(super) feature: usize,
    pub(super) threshold: f32,
    pub(super) missing: Missing,
    pub(super) left: i16,
    pub(super) right: i16,
}

impl Parsed {
    /// Leaf numbers from left to right.
    fn order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.leaves.len());
        let mut open = vec![if self.nodes.is_empty() { !0i16 } else { 0 }];
        while let Some(next) = open.pop() {
            if next < 0 {
                order.push(!next as usize);
            } else {
                let node = &self.nodes[next as usize];
                open.extend([node.right, node.left]);
            }
        }
        order
    }

    pub(super) fn leaves_in_order(&self, narrow: bool) -> impl Iterator<Item = f64> + '_ {
        let order = if narrow { self.order() } else { (0..self.leaves.len()).collect() };
        order.into_iter().map(|leaf| self.leaves[leaf])
    }

    /// For every node of a narrow tree all leaves but those of its left subtree.
    pub(super) fn masks(&self) -> Vec<u16> {
        if self.leaves.len() > NARROW {
            return vec![0; self.nodes.len()];
        }
        let mut bit = vec![0; self.leaves.len()];
        self.order().into_iter().enumerate().for_each(|(place, leaf)| bit[leaf] = place);
        let below = |start: i16| {
            let (mut open, mut leaves) = (vec![start], 0u16);
            while let Some(next) = open.pop() {
                if next < 0 {
                    leaves |= 1 << bit[!next as usize];
                } else {
                    open.extend([self.nodes[next as usize].left, self.nodes[next as usize].right]);
                }
            }
            leaves
        };
        self.nodes.iter().map(|node| !below(node.left)).collect()
    }

    /// Whether the children form one tree: every node but the first and every leaf has one parent, later nodes only.
    fn is_tree(&self) -> bool {
        let (mut nodes, mut leaves) = (vec![0u8; self.nodes.len()], vec![0u8; self.leaves.len()]);
        for (number, node) in self.nodes.iter().enumerate() {
            for child in [node.left, node.right] {
                let seen = if child < 0 {
                    leaves.get_mut(!child as usize)
                } else {
                    nodes.get_mut(child as usize).filter(|_| child as usize > number)
                };
                match seen {
                    Some(count) if *count == 0 => *count = 1,
                    _ => return false,
                }
            }
        }
        self.leaves.len() == self.nodes.len() + 1
            && nodes.iter().skip(1).all(|count| *count == 1)
            && (self.nodes.is_empty() || leaves.iter().all(|count| *count == 1))
    }
}

pub(super) fn parse_text(text: &str, names: &[&str]) -> Result<Vec<Parsed>, ForestError> {
    let mut lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    let mut trees = Vec::new();
    let mut named = false;
    let mut ended = false;
    while let Some((number, line)) = lines.next() {
        if let Some(list) = line.strip_prefix("feature_names=") {
            check_names(list, names)?;
            named = true;
        } else if line.starts_with("Tree=") {
            let section: Vec<(usize, &str)> =
                lines.by_ref().take_while(|(_, line)| !line.is_empty()).collect();
            trees.push(parse_tree(number, &section, names.len())?);
        } else if line == "end of trees" {
            ended = true;
            break;
        }
    }
    if !named || !ended {
        return Err(ForestError::Malformed { line: text.lines().count(), what: "the text ends too early" });
    }
    Ok(trees)
}

fn check_names(list: &str, names: &[&str]) -> Result<(), ForestError> {
    let found: Vec<&str> = list.split(' ').collect();
    let longest = found.len().max(names.len());
    match (0..longest).find(|&i| found.get(i) != names.get(i)) {
        None => Ok(()),
        Some(i) => Err(ForestError::Features {
            found: found.get(i).map(ToString::to_string),
            expected: names.get(i).map(ToString::to_string),
        }),
    }
}

fn parse_tree(start: usize, section: &[(usize, &str)], width: usize) -> Result<Parsed, ForestError> {
    let field = |name: &str| {
        section.iter().find_map(|(number, line)| {
            let value = line.strip_prefix(name)?.strip_prefix('=')?;
            Some((*number, value))
        })
    };
    let fail = |line: usize, what: &'static str| ForestError::Malformed { line, what };
    let (line, count) = field("num_leaves").ok_or(fail(start, "no num_leaves"))?;
    let count: usize = count.parse().map_err(|_| fail(line, "num_leaves is no number"))?;
    if count == 0 || count > i16::MAX as usize {
        return Err(fail(line, "num_leaves is out of range"));
    }
    if field("num_cat").is_some_and(|(_, value)| value != "0")
        || field("is_linear").is_some_and(|(_, v)| v != "0")
    {
        return Err(fail(start, "categorical or linear trees are not supported"));
    }
    let leaves: Vec<f64> = numbers(field("leaf_value").ok_or(fail(start, "no leaf_value"))?, count)?;
    if !leaves.iter().all(|leaf| leaf.is_finite()) {
        return Err(fail(start, "a leaf is not finite"));
    }
    let inner = count - 1;
    if inner == 0 {
        return Ok(Parsed { nodes: Vec::new(), leaves });
    }
    let list = |name: &'static str| field(name).ok_or(fail(start, "a list of the tree is missing"));
    let features: Vec<usize> = numbers(list("split_feature")?, inner)?;
    let thresholds: Vec<f64> = numbers(list("threshold")?, inner)?;
    let decisions: Vec<u8> = numbers(list("decision_type")?, inner)?;
    let left: Vec<i16> = numbers(list("left_child")?, inner)?;
    let right: Vec<i16> = numbers(list("right_child")?, inner)?;
    let mut nodes = Vec::with_capacity(inner);
    for i in 0..inner {
        // bit 0: categorical; bit 1: missing goes left; bits 2 and 3: what is missing (0 nothing, 1 zero, 2 NaN)
        let missing = match decisions[i] {
            0 | 2 => Missing::Zero,
            8 => Missing::Right,
            10 => Missing::Left,
            _ => return Err(fail(start, "a decision type that is not supported")),
        };
        if features[i] >= width || thresholds[i].is_nan() {
            return Err(fail(start, "a split on no feature or no number"));
        }
        let threshold = largest_f32_upto(thresholds[i]);
        nodes.push(ParsedNode { feature: features[i], threshold, missing, left: left[i], right: right[i] });
    }
    let tree = Parsed { nodes, leaves };
    if tree.is_tree() { Ok(tree) } else { Err(fail(start, "the nodes do not form a tree")) }
}

fn numbers<T: std::str::FromStr>((line, list): (usize, &str), count: usize) -> Result<Vec<T>, ForestError> {
    let words = list.split(' ').map(str::parse);
    let values: Result<Vec<T>, _> = words.collect();
    match values {
        Ok(values) if values.len() == count => Ok(values),
        _ => Err(ForestError::Malformed { line, what: "a list of another length or not of numbers" }),
    }
}

/// The largest single-precision number that is not above `x`: `value <= x` is the same for both.
fn largest_f32_upto(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x { near.next_down() } else { near }
}
