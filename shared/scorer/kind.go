package scorer

// These are the kinds of scorers, as plans and requests name them. Package kinds opens scorers.
const (
	Embedded = "embedded" // part of this program
	GPU      = "gpu"      // the released models, served by a sidecar
	LLM      = "llm"      // any vision model with an OpenAI-compatible API
)
