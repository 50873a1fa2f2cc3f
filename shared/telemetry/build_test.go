package telemetry

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	const commit, date = "0123456789abcdef0123456789abcdef01234567", "2026-01-02T03:04:05Z"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "-buildmode", Value: "exe"}, {Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit},
			{Key: "vcs.time", Value: date}, {Key: "vcs.modified", Value: modified},
		}
	}
	ours := func(version string) debug.Module { return debug.Module{Path: scope, Version: version} }
	for name, tt := range map[string]struct {
		info debug.BuildInfo
		want Build
		text string
	}{
		"build of a commit": {
			debug.BuildInfo{Main: ours("v1.2.3"), Settings: vcs("false")},
			Build{Version: "v1.2.3", Commit: commit, Date: date},
			"v1.2.3, commit " + commit + " of " + date,
		},
		"build of changed files": {
			debug.BuildInfo{Main: ours("v1.2.3+dirty"), Settings: vcs("true")},
			Build{Version: "v1.2.3+dirty", Commit: commit, Date: date, Modified: true},
			"v1.2.3+dirty, commit " + commit + " of " + date + ", modified",
		},
		"without version control": {
			debug.BuildInfo{Main: ours("(devel)")},
			Build{Version: "(devel)"},
			"(devel), commit unknown (go build -buildvcs=true records it)",
		},
		"build of a downloaded module": {debug.BuildInfo{Main: ours("v1.2.3")}, Build{Version: "v1.2.3"}, "v1.2.3"},
		"program of another module": {
			debug.BuildInfo{
				Main: debug.Module{Path: "example.com/farm", Version: "v9.0.0"}, Settings: vcs("true"),
				Deps: []*debug.Module{{Path: "example.com/x", Version: "v0.1.0"}, {Path: scope, Version: "v1.2.3"}},
			},
			Build{Version: "v1.2.3"}, "v1.2.3",
		},
	} {
		got := buildOf(&tt.info)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.String() != tt.text {
			t.Errorf("%s: %q, want %q", name, got, tt.text)
		}
	}
	if ReadBuild().Version == "" {
		t.Error("a test has no version")
	}
}
