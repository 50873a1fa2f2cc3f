package llm

import "regexp"

// Flags of samples that this scorer rates.
const (
	// FlagTemplateTokens means that a text of the sample contains a token of a chat template. A server that interprets the
	// token would read the rest of the text as another message.
	FlagTemplateTokens = "chat_template_tokens"
	// FlagAllFives means that every rating is 5. No sample deserves this, so a text of the sample may have requested it
	// from the model.
	FlagAllFives = "all_fives"
)

// templateTokens matches tokens in the chat templates of common models: ChatML, Llama, Mistral, Gemma, DeepSeek, Phi.
var templateTokens = regexp.MustCompile(`<\|[A-Za-z0-9_ ]{1,40}\|>|<｜[^<>｜\n]{1,40}｜>|` +
	`\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<</?SYS>>|` +
	`</?(?:start_of_turn|end_of_turn|bos|eos|pad|unk|s)>`)

// neutralize inserts a space after the first character of each token of a chat template, so that no tokenizer
// recognises the token. It reports whether there was such a token.
func neutralize(text string) (string, bool) {
	neutral := templateTokens.ReplaceAllStringFunc(text, func(token string) string { return token[:1] + " " + token[1:] })
	return neutral, neutral != text
}
