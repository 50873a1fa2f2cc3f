package bucket

// What tests from outside of the package read.
const (
	Private = private
	Stale   = stale
)

// AfterSteps has f call step when a step of a Create is done.
func AfterSteps(f *Folder, step func(string)) { f.after = step }
