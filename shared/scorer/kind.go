package scorer

// The kinds of scorer, by their names in plans and requests. Package kinds opens them.
const (
	Embedded = "embedded" // lies in the binary
	GPU      = "gpu"      // the released models, served by a sidecar
	LLM      = "llm"      // any vision model behind an OpenAI-compatible API
)
