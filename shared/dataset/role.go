package dataset

// A Role is who speaks in a turn.
type Role string

// The roles of a conversation. Human and model turns are rated, the others stay in the record only.
const (
	Human  Role = "human"
	Model  Role = "gpt"
	System Role = "system" // instructions to the model
	Tool   Role = "tool"   // a call of a tool, or what it returned
)

// Rated reports whether scorers see turns of the role.
func (r Role) Rated() bool { return r == Human || r == Model }
