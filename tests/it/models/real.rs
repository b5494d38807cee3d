//! One real model through the real way: this is how real models come to `cargo test`.

use crate::support::home;

#[test]
fn the_smallest_chat_model_comes_and_is_gguf() {
    let stored = home::model("smollm2-135m-instruct");
    let file = fs_err::File::open(stored.weights()).unwrap();
    let mut magic = [0; 4];
    std::io::Read::read_exact(&mut file.into_parts().0, &mut magic).unwrap();
    assert_eq!(&magic, b"GGUF");
}
