//! Classical image operators: smoothing, background, threshold, components, measurements.
//!
//! The plugin `org.parfocal.classical`, one source for native and WASM, written against `parfocal-plugin` alone: what it
//! can do, any plugin can do. It is loaded by the host, not linked; the library form of this crate is for its own tests.
//!
//! | operator | what it does | equal to |
//! |---|---|---|
//! | [`gaussian`] | smooths | `scipy.ndimage.gaussian_filter`, within single precision |
//! | [`median`] | removes single bright and dark pixels | `scipy.ndimage.median_filter` |
//! | [`top-hat`](top_hat) | removes an uneven background | `scipy.ndimage.white_tophat` |
//! | [`otsu-threshold`](otsu) | separates foreground from background | `skimage.filters.threshold_otsu` |
//! | [`connected-components`](components) | numbers objects | `skimage.measure.label` |
//! | [`measure-objects`](measure) | measures objects | `skimage.measure.regionprops` |
//! | [`identity`] | copies | |
//!
//! # What holds for all
//! - **Deterministic**: only `+ - * /` and `sqrt`, functions from `parfocal_plugin::math`, one order of summation. Native and
//!   WASM agree bit for bit.
//! - **Tiled equals whole**, bit for bit, for any cut into tiles: a pixel's result depends on its neighbourhood alone, and what
//!   is added up over tiles is added up exactly.
//! - Images are mirrored at their edges (`c b a | a b c`).
//! - What is not a number never decides by accident: each operator says what it does with it.

pub mod components;
pub mod gaussian;
pub mod identity;
pub mod measure;
pub mod median;
pub mod otsu;
pub mod top_hat;

mod pixels;

use components::ConnectedComponents;
use gaussian::Gaussian;
use identity::Identity;
use measure::MeasureObjects;
use median::Median;
use otsu::OtsuThreshold;
use parfocal_plugin::export_plugin;
use top_hat::TopHat;

export_plugin!(ConnectedComponents, Gaussian, Identity, MeasureObjects, Median, OtsuThreshold, TopHat);
