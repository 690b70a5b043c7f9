//! Minimises a smooth function of a few positive parameters inside a box, for fitting the purchase models.

/// Where a minimisation ended.
#[derive(Clone, Debug)]
pub struct Minimum<const N: usize> {
    /// The parameters.
    pub at: [f64; N],
    /// The function's value there.
    pub value: f64,
    /// For each parameter whether it lies on the edge of the box.
    pub on_edge: [bool; N],
    /// Whether the gradient vanished (inside the box) before the limit of steps.
    pub converged: bool,
}

/// Minimises `f`, which answers its value and gradient, over positive parameters in `low..=high`, by BFGS on their
/// logarithms with backtracking and active bounds (Nocedal and Wright, Numerical Optimization, chapters 3 and 6;
/// the projection is that of section 16.7).
pub fn minimise<const N: usize>(
    start: [f64; N],
    low: f64,
    high: f64,
    f: impl Fn(&[f64; N]) -> (f64, [f64; N]),
) -> Minimum<N> {
    let (floor, ceiling) = (low.ln(), high.ln());
    let at_logs = |logs: &[f64; N]| {
        let parameters = logs.map(f64::exp);
        let (value, mut gradient) = f(&parameters);
        gradient.iter_mut().zip(parameters).for_each(|(slope, parameter)| *slope *= parameter);
        (value, gradient)
    };
    let mut x = start.map(|parameter| parameter.ln().clamp(floor, ceiling));
    let (mut value, mut gradient) = at_logs(&x);
    let mut inverse = identity::<N>();
    let mut converged = false;
    for _ in 0..500 {
        let held: [bool; N] = std::array::from_fn(|i| {
            (x[i] <= floor && gradient[i] > 0.0) || (x[i] >= ceiling && gradient[i] < 0.0)
        });
        let steepest = (0..N).filter(|&i| !held[i]).map(|i| gradient[i].abs()).fold(0.0, f64::max);
        if steepest <= 1e-7 * (1.0 + value.abs()) {
            converged = true;
            break;
        }
        let mut direction: [f64; N] = std::array::from_fn(|i| {
            if held[i] {
                0.0
            } else {
                -(0..N).filter(|&j| !held[j]).map(|j| inverse[i][j] * gradient[j]).sum::<f64>()
            }
        });
        if dot(&direction, &gradient) >= 0.0 || !direction.iter().all(|d| d.is_finite()) {
            inverse = identity();
            direction = std::array::from_fn(|i| if held[i] { 0.0 } else { -gradient[i] });
        }
        let longest = direction.iter().fold(0.0f64, |most, d| most.max(d.abs()));
        let mut step = if longest > 2.0 { 2.0 / longest } else { 1.0 };
        let mut found = None;
        for _ in 0..50 {
            let next: [f64; N] = std::array::from_fn(|i| (x[i] + step * direction[i]).clamp(floor, ceiling));
            let (next_value, next_gradient) = at_logs(&next);
            let moved: [f64; N] = std::array::from_fn(|i| next[i] - x[i]);
            if next_value.is_finite() && next_value <= value + 1e-4 * dot(&gradient, &moved) && next != x {
                found = Some((next, next_value, next_gradient, moved));
                break;
            }
            step *= 0.5;
        }
        let Some((next, next_value, next_gradient, moved)) = found else {
            converged = steepest <= 1e-4 * (1.0 + value.abs());
            break;
        };
        let turned: [f64; N] = std::array::from_fn(|i| next_gradient[i] - gradient[i]);
        update(&mut inverse, &moved, &turned);
        (x, value, gradient) = (next, next_value, next_gradient);
    }
    Minimum {
        at: x.map(f64::exp),
        value,
        on_edge: x.map(|log| log <= floor + 1e-9 || log >= ceiling - 1e-9),
        converged,
    }
}

/// The BFGS update of the inverse Hessian (Nocedal and Wright, equation 6.17); skipped where curvature is lost.
fn update<const N: usize>(inverse: &mut [[f64; N]; N], moved: &[f64; N], turned: &[f64; N]) {
    let curvature = dot(moved, turned);
    if curvature <= 1e-12 {
        *inverse = identity();
        return;
    }
    let product: [f64; N] = std::array::from_fn(|i| dot(&inverse[i], turned));
    let scale = (1.0 + dot(turned, &product) / curvature) / curvature;
    for i in 0..N {
        for j in 0..N {
            inverse[i][j] +=
                scale * moved[i] * moved[j] - (product[i] * moved[j] + moved[i] * product[j]) / curvature;
        }
    }
}

fn identity<const N: usize>() -> [[f64; N]; N] {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }))
}

fn dot<const N: usize>(left: &[f64; N], right: &[f64; N]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_is_walked_to_its_end_and_a_box_is_kept() {
        let valley = |[x, y]: &[f64; 2]| {
            let (u, w) = (1.0 - x, y - x * x);
            (u * u + 100.0 * w * w, [-2.0 * u - 400.0 * x * w, 200.0 * w])
        };
        let found = minimise([3.0, 0.2], 1e-3, 1e3, valley);
        assert!(found.converged && (found.at[0] - 1.0).abs() < 1e-3 && (found.at[1] - 1.0).abs() < 1e-3);
        let slope = minimise([1.0], 0.01, 100.0, |[x]: &[f64; 1]| (*x, [1.0]));
        assert!(slope.converged && slope.on_edge[0] && (slope.at[0] - 0.01).abs() < 1e-9);
    }
}
