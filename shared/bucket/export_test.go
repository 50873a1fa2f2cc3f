package bucket

// Private is exported for tests outside of the package.
const Private = private

// AfterSteps makes f call step after each step of Create, with the name of the step.
func AfterSteps(f *Folder, step func(string)) { f.after = step }
