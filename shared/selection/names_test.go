package selection

import "testing"

// TestKnownName finds a capability by other spellings of its name.
func TestKnownName(t *testing.T) {
	t.Parallel()
	known := []string{"fine-grained recognition", "spatial_understanding", "wit", "Wit", "stage_1", "stage_10"}
	for name, want := range map[string]string{
		"fine-grained recognition": "fine-grained recognition", "Fine_Grained  Recognition": "fine-grained recognition",
		"spatial understanding": "spatial_understanding", " SPATIAL-understanding": "spatial_understanding",
		"wit": "wit", "Wit": "Wit", "WIT": "WIT", "stage 1": "stage_1", "stage": "stage", "": "",
	} {
		if got := KnownName(name, known); got != want {
			t.Errorf("KnownName(%q) = %q, want %q", name, got, want)
		}
	}
}
