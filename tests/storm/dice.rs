//! Randomness that a seed repeats.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The dice that player `number` throws in the storm of `seed`.
pub fn from_seed(seed: u64, number: u64) -> StdRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    StdRng::from_seed(bytes)
}
