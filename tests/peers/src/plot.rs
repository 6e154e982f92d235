//! The ratios as a picture.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::report::{CONTESTANTS, Results, WORKS};

/// Whose ratios are drawn, and as what.
const DRAWN: [(&str, &[&str], RGBColor); 6] = [
    (
        "tidegate (its own block_on)",
        &["tidegate:own"],
        RGBColor(0, 90, 160),
    ),
    (
        "tidegate (tokio)",
        &["tidegate:current-thread", "tidegate:multi-thread"],
        RGBColor(70, 160, 220),
    ),
    (
        "tmq",
        &[
            "tmq:current-thread",
            "tmq:multi-thread",
            "tmq-buffered:current-thread",
            "tmq-buffered:multi-thread",
        ],
        RGBColor(230, 150, 0),
    ),
    (
        "async-zmq",
        &["async-zmq:current-thread", "async-zmq:multi-thread"],
        RGBColor(200, 80, 40),
    ),
    ("aiozmq", &["aiozmq"], RGBColor(120, 120, 120)),
    ("pyzmq asyncio", &["pyzmq"], RGBColor(180, 180, 180)),
];

/// Draws the libraries that stand on libzmq: for each work the better of a library's runtimes, on a logarithmic scale around what
/// libzmq does by itself.
pub fn draw(results: &Results, path: &Path) -> Result<(), Box<dyn Error>> {
    let works: Vec<_> = (0..WORKS.len())
        .filter(|w| WORKS[*w].is_rate && results.ratio(*w, 0).is_some())
        .collect();
    let area =
        SVGBackend::new(path, (1000, 80 + 90 * u32::try_from(works.len())?)).into_drawing_area();
    area.fill(&WHITE)?;
    let height = works.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "messages a second, 1 = plain blocking calls of libzmq",
            ("sans-serif", 20),
        )
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(270)
        .build_cartesian_2d((0.01..4.0).log_scale(), -1.4..height)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_label_formatter(&|ratio| format!("{ratio}"))
        .draw()?;
    for (k, w) in works.iter().enumerate() {
        let top = height - k as f64;
        let title = Text::new(WORKS[*w].title, (0.0101, top - 0.05), ("sans-serif", 13));
        chart.plotting_area().draw(&title)?;
        for (d, (_, names, color)) in DRAWN.iter().enumerate() {
            let of = |name: &&str| CONTESTANTS.iter().position(|contestant| contestant == name);
            let ratios = names
                .iter()
                .filter_map(of)
                .filter_map(|c| Some(results.ratio(*w, c)?.median));
            let Some(best) = ratios.reduce(f64::max) else {
                continue;
            };
            let y = top - 0.26 - 0.12 * d as f64;
            chart.draw_series([Rectangle::new(
                [(0.01, y), (best.max(0.0101), y - 0.1)],
                color.filled(),
            )])?;
        }
    }
    chart.draw_series(LineSeries::new([(1.0, 0.0), (1.0, height)], BLACK))?;
    for (name, _, color) in DRAWN {
        chart
            .draw_series([Rectangle::new([(0.0, 0.0), (0.0, 0.0)], color.filled())])?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 12, y + 4)], color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}
