//! Which name was meant.

/// The candidate that `name` is most likely a typing error of: few letters away, whatever the case, `_` and `-`.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > 64 {
        return None;
    }
    let wanted: Vec<char> = letters(name).collect();
    let allowed = (wanted.len() / 4).clamp(1, 3);
    let rated = candidates.map(|candidate| {
        (
            distance(&wanted, &letters(candidate).collect::<Vec<_>>()),
            candidate,
        )
    });
    let (distance, candidate) = rated.min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed && distance < wanted.len()).then_some(candidate)
}

/// Whether two names differ only in case, `_` and `-`: `openId` and `openid`.
pub(super) fn same(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    let kept = name.chars().filter(|c| !matches!(c, '_' | '-'));
    kept.flat_map(char::to_lowercase)
}

/// Edits (insert, delete, replace, swap of neighbours) that lead from one to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replace = above[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replace.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}
