package dataset

// A Role is the speaker of a turn.
type Role string

// The roles of a conversation. Human and model turns are rated. The other turns are only kept in the record.
const (
	Human  Role = "human"
	Model  Role = "gpt"
	System Role = "system" // instructions to the model
	Tool   Role = "tool"   // a call of a tool, or the tool's output
)

// Rated reports whether scorers rate the turns of this role.
func (r Role) Rated() bool { return r == Human || r == Model }
