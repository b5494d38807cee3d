use insta::assert_snapshot;

use crate::support::TestApp;

#[tokio::test]
async fn the_bare_model_the_corpora_and_the_embedder_are_listed() {
    assert_snapshot!(TestApp::new().get("/v1/models").await.tidy());
}

#[tokio::test]
async fn a_model_is_shown_by_its_id() {
    let app = TestApp::new();
    assert_eq!(app.get("/v1/models/general").await.json()["id"], "general");
    // Ids of the hub hold a slash, which clients send plain or encoded.
    assert_snapshot!("unknown_model", app.get("/v1/models/Qwen/Qwen3-8B").await.tidy());
    assert_eq!(app.get("/v1/models/Qwen%2FQwen3-8B").await.tidy(), app.get("/v1/models/Qwen/Qwen3-8B").await.tidy());
}
