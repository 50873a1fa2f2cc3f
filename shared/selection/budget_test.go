package selection

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestParseBudget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text    string
		total   int
		samples int
		written string
	}{
		{"30%", 2_600_000, 780_000, "0.3"},
		{"30%", 10, 3, "0.3"},
		{"7%", 100, 7, "0.07"},   // in floats, 7/100 times 100 is above 7
		{"29%", 100, 28, "0.29"}, // the same as int(100 * 0.29) in Python
		{"0.3", 10, 3, "0.3"},
		{"0.30", 10, 3, "0.3"},
		{"12.5%", 8, 1, "0.125"},
		{" 5 % ", 100, 5, "0.05"},
		{"0.001%", 99_999, 0, "0.00001"},
		{"100%", 7, 7, "1.0"},
		{"1.0", 7, 7, "1.0"},
		{"1", 7, 1, "1"},
		{"500", 7, 500, "500"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			budget, err := ParseBudget(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := budget.Samples(tt.total); got != tt.samples {
				t.Errorf("Samples(%d) = %d, want %d", tt.total, got, tt.samples)
			}
			if budget.String() != tt.written {
				t.Errorf("String() = %q, want %q", budget.String(), tt.written)
			}
		})
	}
}

func TestParseBudgetErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // maps a text to the words of its error before the forms
		"":                     "",
		"half":                 "",
		"%":                    "",
		"NaN":                  "",
		"0":                    "the smallest is one sample, 1",
		"0%":                   "smallest is one sample",
		"0.0":                  "smallest is one sample",
		"1.5":                  "largest is 1.0",
		"130%":                 "largest is 100%",
		"99999999999999999999": "largest count",
		"-5":                   "nearest budget is 1;",
		"+5":                   "nearest budget is 5;",
		"5e2":                  "nearest budget is 500;",
		"1,000":                "nearest budget is 1000;",
		".5":                   "nearest budget is 0.5;",
		"-3%":                  "nearest budget is 1;",
		"30pct":                "nearest budget is 30%;",
		"30 percent":           "nearest budget is 30%;",
		"259.0":                "for 259 samples give 259;",
		"+3%":                  "nearest budget is 3%;",
		"1/3":                  "a share cannot be a fraction; write it as 33.33%;",
		"3 / 10":               "write it as 30%;",
		"4/3":                  "",
		"1/0":                  "",
		"200M":                 "for a number of tokens write 200M-tokens;",
		"1.5B":                 "for a number of tokens write 1.5B-tokens;",
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			budget, err := ParseBudget(text)
			if err == nil {
				t.Fatalf("ParseBudget gave %v", budget)
			}
			for _, part := range []string{want, `"30%"`, `"0.3"`, `"500"`} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if want == "" && strings.Contains(err.Error(), "nearest") {
				t.Errorf("error %q guesses", err)
			}
		})
	}
}

func TestParseTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tokens  int
		written string
		fails   string
	}{
		"200M-tokens":         {200_000_000, "200000000-tokens", ""},
		"1.5B-tokens":         {1_500_000_000, "1500000000-tokens", ""},
		"12.50k-tokens":       {12_500, "12500-tokens", ""},
		"7-tokens":            {7, "7-tokens", ""},
		"0-tokens":            {fails: "smallest count is 1"},
		"1.5-tokens":          {fails: "a number of tokens must be a whole number"},
		"0.0001k-tokens":      {fails: "a number of tokens must be a whole number"},
		"30%-tokens":          {fails: "200M-tokens"},
		"-tokens":             {fails: "200M-tokens"},
		"1.M-tokens":          {fails: "200M-tokens"},
		"2m-tokens":           {fails: "200M-tokens"},
		"99999999999B-tokens": {fails: "largest count"},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			budget, err := ParseBudget(text)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("error %v does not say %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if budget.Tokens() != tt.tokens || budget.Samples(10) != 0 || budget.String() != tt.written {
				t.Errorf("got %d tokens, %d samples, %q", budget.Tokens(), budget.Samples(10), budget)
			}
		})
	}
}

func TestParseCap(t *testing.T) {
	t.Parallel()
	var caps Caps
	if err := json.Unmarshal([]byte(`{"source": "10%", "image": 3}`), &caps); err != nil {
		t.Fatal(err)
	}
	if got := []int{caps.Source.of(55), caps.Source.of(5), caps.Image.of(55)}; !slices.Equal(got, []int{5, 1, 3}) {
		t.Errorf("10%% of 55, 10%% of 5 and 3 are %v, want 5, 1 and 3", got)
	}
	if written, err := json.Marshal(caps); err != nil || string(written) != `{"source":"0.1","image":"3"}` {
		t.Errorf("written as %s, %v", written, err)
	}
	for text, want := range map[string]string{"0": "cap", "5e2": "nearest cap is 500", "7-tokens": "count of samples"} {
		if _, err := ParseCap(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseCap(%q) error %v does not say %q", text, err, want)
		}
	}
}

func TestBudgetFormats(t *testing.T) {
	t.Parallel()
	type config struct {
		Budget Budget `json:"budget,omitzero" yaml:"budget"`
	}
	tests := map[string]struct {
		unmarshal func([]byte, any) error
		text      string
		want      string
		fails     bool
	}{
		"JSON ratio":        {json.Unmarshal, `{"budget": 0.3}`, "0.3", false},
		"JSON everything":   {json.Unmarshal, `{"budget": 1.0}`, "1.0", false},
		"JSON count":        {json.Unmarshal, `{"budget": 1}`, "1", false},
		"JSON string":       {json.Unmarshal, `{"budget": "30%"}`, "0.3", false},
		"JSON null":         {json.Unmarshal, `{"budget": null}`, "", false},
		"JSON absent":       {json.Unmarshal, `{}`, "", false},
		"JSON exponent":     {json.Unmarshal, `{"budget": 3e-1}`, "", true},
		"JSON boolean":      {json.Unmarshal, `{"budget": true}`, "", true},
		"JSON list":         {json.Unmarshal, `{"budget": [1]}`, "", true},
		"YAML everything":   {yaml.Unmarshal, `budget: 1.0`, "1.0", false},
		"YAML count":        {yaml.Unmarshal, `budget: 1`, "1", false},
		"YAML percentage":   {yaml.Unmarshal, `budget: 30%`, "0.3", false},
		"YAML out of range": {yaml.Unmarshal, `budget: 130%`, "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got config
			if err := tt.unmarshal([]byte(tt.text), &got); (err != nil) != tt.fails {
				t.Fatalf("error: %v", err)
			}
			if got.Budget.String() != tt.want {
				t.Errorf("budget %q, want %q", got.Budget, tt.want)
			}
			written, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var again config
			if err := json.Unmarshal(written, &again); err != nil {
				t.Fatal(err)
			}
			if again != got {
				t.Errorf("%s reads back as %q, want %q", written, again.Budget, got.Budget)
			}
		})
	}
}

func FuzzParseBudget(f *testing.F) {
	for _, text := range []string{
		"30%", "0.3", "500", "1.0", "100%", "1", "0", "-5", "1e3", ".5", "½", "99999999999999999999%",
		"200M-tokens", "1.5B-tokens", "0.1k-tokens",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		budget, err := ParseBudget(text)
		if err != nil {
			if budget != (Budget{}) {
				t.Fatalf("%q gives %v and the error %v", text, budget, err)
			}
			return
		}
		again, err := ParseBudget(budget.String())
		if err != nil || again != budget {
			t.Fatalf("%q is written as %q, which reads as %v, %v", text, budget, again, err)
		}
		switch {
		case strings.Contains(text, tokenSuffix):
			if budget.Tokens() < 1 || budget.Samples(7) != 0 {
				t.Fatalf("%q is %d tokens and %d samples", text, budget.Tokens(), budget.Samples(7))
			}
		case strings.ContainsAny(text, ".%"):
			if n := budget.Samples(1_000_000); n < 0 || n > 1_000_000 {
				t.Fatalf("%q of 1,000,000 samples is %d", text, n)
			}
		case budget.Samples(7) < 1:
			t.Fatalf("the count %q is %d samples", text, budget.Samples(7))
		}
	})
}
