package selection

import (
	"math"
	"strings"
	"testing"
)

func TestParseCondition(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"relevance_min>=3", "relevance_min>=3"}, {" a b  != -1.50 ", "a b!=-1.5"}, {"x=1e3", "x==1000"},
		{"a-b<0", "a-b<0"}, {"日本>.5", "日本>0.5"},
	} {
		c, err := ParseCondition(tt.text)
		if err != nil || c.String() != tt.want {
			t.Errorf("%q is read as %q (%v), want %q", tt.text, c, err, tt.want)
		}
		if again, err := ParseCondition(c.String()); err != nil || again != c {
			t.Errorf("%q is read back as %q (%v)", c, again, err)
		}
	}
	for _, text := range []string{
		"", "a", "a>", ">3", "a>b", "a>NaN", "a>Inf", "a>>3", "a=>3", "a > 3 4", "a>=1_0", "a>0x10", "a>1e999",
	} {
		if c, err := ParseCondition(text); err == nil || !strings.Contains(err.Error(), "\""+text+"\"") {
			t.Errorf("%q is read as %q (%v)", text, c, err)
		}
	}
}

// TestConditionOfMissing checks that a sample without a number fulfils no condition.
func TestConditionOfMissing(t *testing.T) {
	t.Parallel()
	for _, operator := range []string{">=", "<=", ">", "<", "==", "!="} {
		if (Condition{"a", operator, 1}).Holds(math.NaN()) {
			t.Errorf("a missing number is %s 1", operator)
		}
	}
}
