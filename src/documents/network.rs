//! A small convolutional network that makes a vector of a mark.
//!
//! In: the standard form of a mark at half its size. Out: 64 numbers of length 1; two marks of one original lie near each
//! other, a forgery lies apart. Five by five, then three by three, each step halving the size; biases and ReLU between.
//! A convolution is written as a gathering of neighbours and one product: on a processor that learns several times faster
//! than the library's own, whose way back is a plain loop.
//! Learnt with the supervised contrastive loss (Khosla 2020, equation 2) by [`super::train`]. First weights are drawn
//! from our own seed, so that a training can be repeated.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::Kind;
use super::mark::form;
use super::plane::Plane;

/// Channels after each step.
const CHANNELS: [usize; 5] = [1, 12, 24, 48, 64];
const KERNELS: [usize; 4] = [5, 3, 3, 3];
pub const LENGTH: usize = 64;

/// `[kernel * kernel * inputs, outputs]` and `[outputs]` for each convolution, then the same for what makes the vector.
#[derive(Clone, Debug)]
pub struct Network {
    weights: Vec<Var>,
    /// For each convolution, which pixels each of its outputs looks at; those outside are the nearest inside.
    neighbours: Vec<Tensor>,
}

impl Network {
    pub fn new(kind: Kind, rng: &mut ChaCha8Rng) -> Result<Self> {
        let mut weights = Vec::new();
        let mut draw = |inputs: usize, outputs: usize| -> Result<()> {
            let spread = (2.0 / inputs as f32).sqrt();
            let normal = |rng: &mut ChaCha8Rng| <StandardNormal as Distribution<f32>>::sample(&StandardNormal, rng);
            let values: Vec<f32> = (0..inputs * outputs).map(|_| spread * normal(rng)).collect();
            weights.push(Var::from_tensor(&Tensor::from_vec(values, (inputs, outputs), &Device::Cpu)?)?);
            weights.push(Var::zeros(outputs, DType::F32, &Device::Cpu)?);
            Ok(())
        };
        let mut neighbours = Vec::new();
        let (mut width, mut height) = form(kind);
        (width, height) = (width / 2, height / 2);
        for (step, kernel) in KERNELS.into_iter().enumerate() {
            draw(CHANNELS[step] * kernel * kernel, CHANNELS[step + 1])?;
            neighbours.push(Tensor::new(looked_at(width, height, kernel), &Device::Cpu)?);
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
        }
        draw(CHANNELS[4] * width * height, LENGTH)?;
        Ok(Self { weights, neighbours })
    }

    pub fn weights(&self) -> &[Var] {
        &self.weights
    }

    /// `[batch, height, width]` of ink to `[batch, LENGTH]`.
    pub fn forward(&self, ink: &Tensor) -> Result<Tensor> {
        let batch = ink.dim(0)?;
        let mut at = ((ink.flatten_from(1)?.unsqueeze(2)? - 0.15)? * 3.0)?;
        for (step, neighbours) in self.neighbours.iter().enumerate() {
            let [weight, bias] = [&self.weights[2 * step], &self.weights[2 * step + 1]];
            let inputs = weight.dim(0)?;
            let gathered = at.contiguous()?.index_select(neighbours, 1)?.reshape(((), inputs))?;
            at = gathered.matmul(weight.as_tensor())?.broadcast_add(bias.as_tensor())?.relu()?;
            at = at.reshape((batch, (), CHANNELS[step + 1]))?;
        }
        let [weight, bias] = [&self.weights[8], &self.weights[9]];
        let at = at.flatten_from(1)?.matmul(weight.as_tensor())?.broadcast_add(bias.as_tensor())?;
        let length = (at.sqr()?.sum_keepdim(D::Minus1)? + 1e-8)?.sqrt()?;
        at.broadcast_div(&length)
    }

    /// The vectors of marks at half their size.
    pub fn embed(&self, inks: &[&Plane]) -> Result<Vec<Vec<f32>>> {
        self.forward(&batch(inks)?)?.to_vec2()
    }

    /// The bytes of a safetensors file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let (mut header, mut body) = (serde_json::Map::new(), Vec::new());
        for (name, weight) in names().zip(&self.weights) {
            let start = body.len();
            for value in weight.as_tensor().flatten_all()?.to_vec1::<f32>()? {
                body.extend(value.to_le_bytes());
            }
            let place = serde_json::json!({
                "dtype": "F32", "shape": weight.dims(), "data_offsets": [start, body.len()],
            });
            header.insert(name, place);
        }
        let header = serde_json::Value::Object(header).to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.into_bytes());
        bytes.extend(body);
        Ok(bytes)
    }

    /// What [`Network::to_bytes`] wrote; the shapes must be those of `kind`.
    pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Result<Self> {
        let mut stored = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let like = Self::new(kind, &mut rand::SeedableRng::seed_from_u64(0))?;
        let mut weights = Vec::new();
        for (name, like) in names().zip(&like.weights) {
            let tensor = stored.remove(&name).filter(|tensor| tensor.dims() == like.dims());
            let tensor =
                tensor.ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is missing or of another shape")))?;
            weights.push(Var::from_tensor(&tensor)?);
        }
        Ok(Self { weights, neighbours: like.neighbours })
    }
}

/// For each output in rows, the pixels under a kernel that moves by two.
fn looked_at(width: usize, height: usize, kernel: usize) -> Vec<u32> {
    let half = kernel / 2;
    let mut pixels = Vec::new();
    for (y, x) in (0..height).step_by(2).flat_map(|y| (0..width).step_by(2).map(move |x| (y, x))) {
        for (down, across) in (0..kernel).flat_map(|down| (0..kernel).map(move |across| (down, across))) {
            let row = (y + down).saturating_sub(half).min(height - 1);
            let column = (x + across).saturating_sub(half).min(width - 1);
            pixels.push((row * width + column) as u32);
        }
    }
    pixels
}

fn names() -> impl Iterator<Item = String> {
    (1..=5).flat_map(|layer| ["weight", "bias"].map(|part| format!("layer{layer}.{part}")))
}

/// `[batch, height, width]`
pub fn batch(inks: &[&Plane]) -> Result<Tensor> {
    let mut values = Vec::with_capacity(inks.len() * inks[0].values.len());
    inks.iter().for_each(|ink| values.extend_from_slice(&ink.values));
    Tensor::from_vec(values, (inks.len(), inks[0].height, inks[0].width), &Device::Cpu)
}

/// The supervised contrastive loss of vectors with their classes; a class with one member only pushes others away.
pub fn contrastive_loss(vectors: &Tensor, classes: &[usize]) -> Result<Tensor> {
    let count = classes.len();
    let mut same = vec![0.0_f32; count * count];
    let mut itself = vec![0.0_f32; count * count];
    let mut num_anchors = 0.0_f64;
    for (row, class) in classes.iter().enumerate() {
        let positives = classes.iter().filter(|other| *other == class).count() - 1;
        itself[row * count + row] = -1e9;
        num_anchors += f64::from(u8::from(positives > 0));
        for (column, other) in classes.iter().enumerate() {
            if column != row && other == class {
                same[row * count + column] = 1.0 / positives as f32;
            }
        }
    }
    let same = Tensor::from_vec(same, (count, count), &Device::Cpu)?;
    let itself = Tensor::from_vec(itself, (count, count), &Device::Cpu)?;
    let likeness = ((vectors.matmul(&vectors.t()?)? / TEMPERATURE)? + itself)?;
    let shares = candle_nn::ops::log_softmax(&likeness, D::Minus1)?;
    (shares * same)?.sum_all()?.neg()? / num_anchors.max(1.0)
}

const TEMPERATURE: f64 = 0.1;

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn weights_survive_their_file_and_vectors_have_length_1() {
        for kind in Kind::ALL {
            let network = Network::new(kind, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
            let (width, height) = form(kind);
            let mut ink = Plane::new(width / 2, height / 2);
            ink.values[700..900].fill(1.0);
            let again = Network::from_bytes(kind, &network.to_bytes().unwrap()).unwrap();
            let [a, b] = [network, again].map(|network| network.embed(&[&ink]).unwrap().remove(0));
            assert_eq!(a, b);
            assert!((a.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-3);
        }
        let stamp = Network::new(Kind::Stamp, &mut ChaCha8Rng::seed_from_u64(3)).unwrap().to_bytes().unwrap();
        assert!(Network::from_bytes(Kind::Signature, &stamp).is_err());
    }

    #[test]
    fn the_loss_is_least_where_classes_lie_apart() {
        let loss = |vectors: [[f32; 2]; 4]| {
            let vectors = Tensor::new(&vectors, &Device::Cpu).unwrap();
            contrastive_loss(&vectors, &[0, 0, 1, 1]).unwrap().to_scalar::<f32>().unwrap()
        };
        let apart = loss([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]);
        let mixed = loss([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
        assert!(apart < 0.01 && mixed > 5.0, "{apart} {mixed}");
    }
}
