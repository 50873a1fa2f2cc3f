package markdown

// What a block of commands needs, as the word after "sh" says. The gate runs blocks without such a word.
const (
	NeedsNothing = ""
	NeedsFull    = "full"    // time: `.ci/run --full` runs it
	NeedsGate    = "gate"    // a step of the gate of its own runs it
	NeedsBench   = "bench"   // a machine without other work, and minutes
	NeedsCloud   = "cloud"   // a project of Google Cloud
	NeedsData    = "data"    // files that are not in this repository
	NeedsGPU     = "gpu"     // a GPU, and weights
	NeedsNetwork = "network" // a registry of packages
	NeedsProgram = "program" // another program than Go's tools, such as docker
	NeedsServer  = "server"  // a server that is running, of a model or of Harvest
)

// Needs are all words that may stand after "sh", nothing among them.
func Needs() []string {
	return []string{
		NeedsNothing, NeedsFull, NeedsGate, NeedsBench, NeedsCloud, NeedsData, NeedsGPU, NeedsNetwork, NeedsProgram,
		NeedsServer,
	}
}
