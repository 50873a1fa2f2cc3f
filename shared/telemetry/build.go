package telemetry

import (
	"runtime/debug"
)

// A Build identifies the source of a program.
type Build struct {
	// Version is the version of the module: v1.2.3, a pseudo-version with the commit's time, or "(devel)" if Go recorded
	// no version.
	Version string `json:"version"`
	// Commit has 40 hex digits. Commit and Date are empty if Go recorded no commit: in a build with -buildvcs=false, of a
	// downloaded module, or in a test.
	Commit string `json:"commit,omitempty"`
	// Date is the time of the commit in UTC, in the form of RFC 3339.
	Date string `json:"date,omitempty"`
	// Modified is true if the working tree had changes that are not in the commit.
	Modified bool `json:"modified,omitempty"`
}

// devel is the version of a build for which Go recorded no version.
const devel = "(devel)"

// ReadBuild returns what Go recorded about the build of this program.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: devel}
	}
	return buildOf(info)
}

// buildOf returns the Build that info describes. In a program of another module, the commit is that module's, so only
// Harvest's version is used.
func buildOf(info *debug.BuildInfo) Build {
	if info.Main.Path != scope {
		for _, dependency := range info.Deps {
			if dependency.Path == scope {
				return Build{Version: dependency.Version}
			}
		}
	}
	b := Build{Version: info.Main.Version}
	if b.Version == "" {
		b.Version = devel
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.time":
			b.Date = setting.Value
		case "vcs.modified":
			b.Modified = setting.Value == "true"
		}
	}
	return b
}

// String returns a description of the build in one line.
func (b Build) String() string {
	switch {
	case b.Commit == "" && b.Version == devel:
		return b.Version + ", commit unknown (go build -buildvcs=true records it)"
	case b.Commit == "":
		return b.Version
	}
	text := b.Version + ", commit " + b.Commit
	if b.Date != "" {
		text += " of " + b.Date
	}
	if b.Modified {
		text += ", modified"
	}
	return text
}
