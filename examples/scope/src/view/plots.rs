//! The level of the read buffer and the rate, over the last thirty seconds.

use eframe::egui::{Color32, Sense, Ui, Vec2};
use egui_plot::{
    FilledArea, GridMark, HoverPosition, Line, Plot, PlotPoints, Span, uniform_grid_spacer,
};

use super::{colors, faint, heading};
use crate::frames::{bytes, grouped};
use crate::snapshot::{HISTORY, Sample, Snapshot};

pub(super) fn show(ui: &mut Ui, snapshot: Option<&Snapshot>) {
    let now = snapshot.and_then(|snapshot| snapshot.samples.back().map(|last| last.at));
    let (snapshot, now) = (snapshot.filter(|_| now.is_some()), now.unwrap_or_default());
    let whole = ui.available_size();
    let wide = (whole.x * 0.62).round();
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(wide);
            ui.horizontal(|ui| {
                heading(ui, "Read buffer");
                key(ui, colors::LEVEL, "level");
                key(ui, colors::HIGH, "high-water mark");
                key(ui, colors::LOW, "low-water mark");
                key(ui, colors::HELD, "held back");
                key(ui, colors::PAUSED, "paused by you");
            });
            show_level(ui, snapshot, now);
        });
        ui.vertical(|ui| {
            ui.horizontal(|ui| heading(ui, "Messages/s"));
            show_rate(ui, snapshot, now);
        });
    });
}

/// The last seconds, with room at both ends for what is written below them.
fn times() -> std::ops::RangeInclusive<f64> {
    -HISTORY.as_secs_f64() - 1.0..=0.7
}

/// What a color means.
fn key(ui: &mut Ui, color: Color32, name: &str) {
    ui.add_space(6.0);
    let (place, _) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
    ui.painter().rect_filled(place, 2.0, color);
    ui.label(faint(name));
}

/// A plot that nobody drags around: it follows the time. `shown` tells what a height stands for.
fn plot(name: &'static str, ui: &Ui, shown: fn(u64) -> String) -> Plot<'static> {
    let shown = move |height: f64| shown(height.max(0.0).round() as u64);
    Plot::new(name)
        .height(ui.available_height())
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .sense(Sense::hover())
        .grid_color(colors::GRID)
        .x_grid_spacer(uniform_grid_spacer(|_| [5.0, 10.0, 30.0]))
        .x_axis_formatter(|mark: GridMark, _| {
            if mark.value.abs() < 0.5 {
                "now".to_owned()
            } else {
                format!("{:.0} s", mark.value)
            }
        })
        .y_axis_formatter(move |mark: GridMark, _| shown(mark.value))
        .y_axis_min_width(64.0)
        .label_formatter(move |at: &HoverPosition<'_>| {
            let (HoverPosition::NearDataPoint { position, .. }
            | HoverPosition::Elsewhere { position }) = at;
            Some(format!("{:.1} s\n{}", position.x, shown(position.y)))
        })
}

fn show_level(ui: &mut Ui, snapshot: Option<&Snapshot>, now: f64) {
    let plot = plot("level", ui, bytes).y_grid_spacer(uniform_grid_spacer(|input| {
        let step = power_of_two_step(input.bounds.1);
        [step, step * 2.0, step * 4.0]
    }));
    plot.show(ui, |plot| {
        let samples = snapshot.map(|snapshot| &snapshot.samples);
        let highest = samples.map_or(0, |samples| {
            samples
                .iter()
                .map(|sample| sample.highest.max(sample.high.unwrap_or(0)))
                .max()
                .unwrap_or(0)
        });
        let top = (highest as f64 * 1.12).max(1024.0);
        plot.set_plot_bounds_x(times());
        plot.set_plot_bounds_y(0.0..=top);
        let Some(snapshot) = snapshot else {
            return;
        };
        let shaded = [
            (colors::HELD, snapshot.stretches(|sample| sample.is_held)),
            (
                colors::PAUSED,
                snapshot.stretches(|sample| sample.is_paused),
            ),
        ];
        for (color, stretches) in shaded {
            for (start, end) in stretches {
                let span = Span::new("", start - now..=end - now);
                plot.span(span.fill(color.gamma_multiply(0.35)).border_width(0.0));
            }
        }
        let of = |level: fn(&Sample) -> f64| snapshot.samples.iter().map(level).collect::<Vec<_>>();
        let times: Vec<_> = snapshot
            .samples
            .iter()
            .map(|sample| sample.at - now)
            .collect();
        let (lowest, highest) = (of(|at| at.lowest as f64), of(|at| at.highest as f64));
        let area = FilledArea::new("", &times, &lowest, &highest);
        plot.add(
            area.fill_color(colors::LEVEL.gamma_multiply(0.25))
                .allow_hover(false),
        );
        let line: PlotPoints<'_> = times.iter().zip(&highest).map(|(x, y)| [*x, *y]).collect();
        plot.line(Line::new("", line).color(colors::LEVEL).width(1.5));
        let low = |sample: &Sample| sample.high.map(|_| sample.low);
        for (color, mark) in [
            (colors::HIGH, marks(snapshot, |sample| sample.high)),
            (colors::LOW, marks(snapshot, low)),
        ] {
            for step in mark {
                let step: Vec<_> = step.iter().map(|[at, mark]| [at - now, *mark]).collect();
                plot.line(Line::new("", step).color(color).width(1.5));
            }
        }
    });
}

/// A mark over the time, as lines: one goes on where the one before ends.
fn marks(snapshot: &Snapshot, mark: impl Fn(&Sample) -> Option<usize>) -> Vec<Vec<[f64; 2]>> {
    let mut lines: Vec<Vec<[f64; 2]>> = Vec::new();
    for (start, end, mark) in snapshot.steps(mark) {
        let mark = mark as f64;
        match lines.last_mut() {
            Some(line) if line.last().is_some_and(|[at, _]| *at == start) => {
                line.extend([[start, mark], [end, mark]]);
            }
            _ => lines.push(vec![[start, mark], [end, mark]]),
        }
    }
    lines
}

/// A quarter of the height or less.
fn power_of_two_step(height: f64) -> f64 {
    2_f64.powf((height / 4.0).log2().floor())
}

fn show_rate(ui: &mut Ui, snapshot: Option<&Snapshot>, now: f64) {
    plot("rate", ui, grouped).show(ui, |plot| {
        let rates: Vec<_> = snapshot.map_or(Vec::new(), |snapshot| {
            snapshot
                .rates()
                .map(|(at, rate)| [at - now, rate])
                .collect()
        });
        let top = rates.iter().fold(10.0_f64, |top, [_, rate]| top.max(*rate));
        plot.set_plot_bounds_x(times());
        plot.set_plot_bounds_y(0.0..=top * 1.12);
        plot.line(Line::new("", rates).color(colors::RATE).width(1.5));
    });
}

#[cfg(test)]
mod tests {
    use tidegate::SocketType;

    use super::*;

    #[test]
    fn a_mark_that_was_changed_is_one_line_with_a_step_and_none_where_there_was_no_mark() {
        let mut snapshot = Snapshot::new(SocketType::PULL);
        let highs = [Some(80), Some(80), Some(90), None, Some(70), Some(70)];
        for (at, high) in (0_u8..).zip(highs) {
            snapshot.add_sample(Sample {
                at: f64::from(at),
                high,
                ..Sample::default()
            });
        }
        let lines = marks(&snapshot, |sample| sample.high);
        let first = vec![[0.0, 80.0], [1.0, 80.0], [1.0, 90.0], [2.0, 90.0]];
        assert_eq!(lines, [first, vec![[3.0, 70.0], [5.0, 70.0]]]);
    }
}
