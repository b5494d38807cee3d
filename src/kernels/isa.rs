//! Which instructions this processor has, found once, and how a kernel is compiled for each family of them.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::lanes::{Lanes, Portable};

/// A family of kernels, from the slowest to the fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust, on any processor.
    Portable,
    /// AVX2, FMA and F16C: Intel since Haswell, AMD since Zen.
    Avx2,
    /// AVX-512 F, BW, VL and VNNI: Intel since Cascade Lake, AMD since Zen 4.
    Avx512,
}

impl Isa {
    /// Name of the environment variable that forbids the faster families, for comparisons and for processors that lie.
    pub const LIMIT: &'static str = "HAETAE_ISA";

    /// The best family that the processor has and [`Self::LIMIT`] allows; a limit that names none is none, which
    /// [`Self::limit`] lets the settings refuse.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::limit().ok().flatten().unwrap_or(Self::Avx512).min(Self::detected()))
    }

    /// The family that [`Self::LIMIT`] names.
    ///
    /// # Errors
    /// What it says, if that is no family.
    pub fn limit() -> Result<Option<Self>, String> {
        match std::env::var(Self::LIMIT) {
            Ok(name) => Self::parse(&name).map(Some).ok_or(name),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(name)) => Err(name.to_string_lossy().into_owned()),
        }
    }

    /// Every family this processor has, slowest first.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512].into_iter().filter(|isa| *isa <= Self::detected()).collect()
    }

    /// From a name as [`Self::LIMIT`] takes it.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "portable" => Self::Portable,
            "avx2" => Self::Avx2,
            "avx512" => Self::Avx512,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn detected() -> Self {
        let avx2 =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        match (avx2, avx512) {
            (true, true) => Self::Avx512,
            (true, false) => Self::Avx2,
            (false, _) => Self::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detected() -> Self {
        Self::Portable
    }
}

/// Work that is compiled for every family: left to itself, the compiler makes code for the oldest processor alone.
pub(super) trait Kernel {
    /// Does the work, on registers of `L` where it names them. To be `#[inline(always)]`, with all it calls, or it is
    /// compiled for the oldest processor after all.
    fn run<L: Lanes>(self);
}

impl Isa {
    /// Runs `kernel` as it was compiled for this family.
    pub(super) fn run(self, kernel: impl Kernel) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a family is only named where the processor has it: see `best` and `available`.
            Self::Avx512 => unsafe { run_avx512(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx2 => unsafe { run_avx2(kernel) },
            _ => kernel.run::<Portable>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn run_avx512(kernel: impl Kernel) {
    kernel.run::<lanes::Avx512>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn run_avx2(kernel: impl Kernel) {
    kernel.run::<lanes::Avx2>();
}
