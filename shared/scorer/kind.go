package scorer

// The kinds of scorer, by their names in plans and requests. Package kinds opens scorers.
const (
	Embedded = "embedded" // part of this program
	GPU      = "gpu"      // the released models, served by a sidecar
	LLM      = "llm"      // any vision model with an OpenAI-compatible API
)
