//! Which instructions this processor has, found once.

use std::sync::OnceLock;

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

    /// The best family that the processor has and [`Self::LIMIT`] allows.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let limit = std::env::var(Self::LIMIT).ok().and_then(|name| Self::parse(&name));
            limit.unwrap_or(Self::Avx512).min(Self::detected())
        })
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
