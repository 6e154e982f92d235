//! The colors, all for a dark ground.

use eframe::egui::Color32;

pub(super) const GROUND: Color32 = Color32::from_rgb(17, 20, 24);
pub(super) const BAR: Color32 = Color32::from_rgb(27, 32, 38);
pub(super) const TEXT: Color32 = Color32::from_rgb(215, 220, 226);
pub(super) const FAINT: Color32 = Color32::from_rgb(160, 170, 180);
pub(super) const ERROR: Color32 = Color32::from_rgb(255, 120, 110);
pub(super) const GOOD: Color32 = Color32::from_rgb(110, 220, 140);
pub(super) const GRID: Color32 = Color32::from_rgb(70, 78, 88);
pub(super) const LEVEL: Color32 = Color32::from_rgb(90, 210, 255);
pub(super) const RATE: Color32 = Color32::from_rgb(130, 230, 150);
pub(super) const HIGH: Color32 = Color32::from_rgb(255, 120, 110);
pub(super) const LOW: Color32 = Color32::from_rgb(190, 200, 120);
pub(super) const HELD: Color32 = Color32::from_rgb(200, 130, 40);
pub(super) const PAUSED: Color32 = Color32::from_rgb(110, 110, 230);
