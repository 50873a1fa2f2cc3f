package telemetry

import (
	"runtime/debug"
)

// A Build identifies the source of a program.
type Build struct {
	// Version is the module's: v1.2.3, a pseudo-version with the commit's time, or "(devel)" where Go recorded none.
	Version string `json:"version"`
	// Commit has 40 hex digits. It is empty, as is Date, where Go recorded none: in a build with -buildvcs=false, of a
	// module that was downloaded, or in a test.
	Commit string `json:"commit,omitempty"`
	// Date is the commit's, as RFC 3339 has it, in UTC.
	Date string `json:"date,omitempty"`
	// Modified says that the working tree held changes that the commit does not.
	Modified bool `json:"modified,omitempty"`
}

// devel is the version of a build for which Go recorded none.
const devel = "(devel)"

// ReadBuild is what this program was built from, as Go recorded it.
func ReadBuild() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: devel}
	}
	return buildOf(info)
}

// buildOf reads what Go recorded. In a program of another module the commit is that module's: our version is what
// counts.
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

// String is the build in one line.
func (b Build) String() string {
	switch {
	case b.Commit == "" && b.Version == devel:
		return b.Version + ", commit unknown: this build does not record it (go build -buildvcs=true does)"
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
