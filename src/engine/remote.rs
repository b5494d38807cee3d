//! An engine elsewhere, spoken to by the OpenAI chat API.
