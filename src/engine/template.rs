//! A conversation to prompt text, by the chat template in the model's own files.
//!
//! Templates are Jinja as transformers runs it (`apply_chat_template`): Python's string methods, `raise_exception`,
//! `strftime_now`, trimmed blocks.

use minijinja::{Environment, ErrorKind, context};

use super::request::{Message, Role};

/// A compiled chat template.
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Compiles `source`; `bos` and `eos` are the tokens a template may spell out.
    ///
    /// # Errors
    /// Where the template is no Jinja, with the line.
    pub fn new(source: String, bos: String, eos: String) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        // The date is fixed on purpose: an answer must not change with the day it was asked on.
        environment.add_function("strftime_now", |_format: String| String::from("26 Jul 2024"));
        environment.add_template_owned("chat", source).map_err(|error| error.to_string())?;
        Ok(Self { environment, bos, eos })
    }

    /// The prompt for `messages`, ending where the assistant's answer begins.
    ///
    /// # Errors
    /// What the template says, as when it rejects a role.
    pub fn render(&self, messages: &[Message]) -> Result<String, String> {
        let messages: Vec<_> = messages
            .iter()
            .map(|message| {
                let role = match message.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                    Role::Tool => "tool",
                };
                context! { role, content => message.content }
            })
            .collect();
        let template = self.environment.get_template("chat").expect("added by `new`");
        template
            .render(context! {
                messages,
                add_generation_prompt => true,
                // Qwen3 thinks aloud unless told not to; an answer that must be checked sentence by sentence cannot.
                enable_thinking => false,
                bos_token => self.bos,
                eos_token => self.eos,
            })
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, messages: &[Message]) -> Result<String, String> {
        ChatTemplate::new(source.into(), "<s>".into(), "</s>".into())?.render(messages)
    }

    #[test]
    fn python_methods_and_both_special_tokens_work() {
        let source = "{{ bos_token }}{% for m in messages %}[{{ m.role.upper() }}] {{ m['content'].strip() }}{{ eos_token }}{% endfor %}";
        assert_eq!(render(source, &[Message::user(" hi ")]).unwrap(), "<s>[USER] hi</s>");
    }

    #[test]
    fn a_template_may_refuse_a_conversation() {
        let source = "{{ raise_exception('roles must alternate') }}";
        assert!(render(source, &[]).unwrap_err().contains("roles must alternate"));
    }
}
