package vertex

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A raised value is an error that a workflow can catch.
type raised struct{ value any }

func (r raised) Error() string { return fmt.Sprintf("raised %v", r.value) }

// An execution runs the steps of a workflow. It supports only the part of the language that workflow.yaml uses. Other
// parts are errors.
// Source: https://cloud.google.com/workflows/docs/reference/syntax
type execution struct {
	variables map[string]any
	cloud     *cloud
}

func runWorkflow(t *testing.T, event any, c *cloud) (any, error) {
	t.Helper()
	source, err := os.ReadFile("workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Main struct {
			Params []string         `yaml:"params"`
			Steps  []map[string]any `yaml:"steps"`
		} `yaml:"main"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(source)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil || len(file.Main.Params) != 1 {
		t.Fatalf("workflow.yaml: %v, parameters %v", err, file.Main.Params)
	}
	x := &execution{map[string]any{file.Main.Params[0]: event}, c}
	result, _, err := x.steps(file.Main.Steps)
	return result, err
}

// steps runs steps until a step returns from the workflow.
func (x *execution) steps(steps []map[string]any) (result any, returned bool, err error) {
	for _, named := range steps {
		for name, step := range named {
			if result, returned, err = x.step(step.(map[string]any)); returned || err != nil {
				if err != nil && !errors.As(err, new(raised)) {
					err = fmt.Errorf("step %s: %w", name, err)
				}
				return result, returned, err
			}
		}
	}
	return nil, false, nil
}

func (x *execution) step(step map[string]any) (result any, returned bool, err error) {
	for kind, content := range step {
		switch kind {
		case "assign":
			for _, pair := range content.([]any) {
				for name, e := range pair.(map[string]any) {
					if x.variables[name], err = x.value(e); err != nil {
						return nil, false, err
					}
				}
			}
		case "switch":
			for _, one := range content.([]any) {
				branch := one.(map[string]any)
				if met, err := x.value(branch["condition"]); err != nil {
					return nil, false, err
				} else if met == true {
					result, err := x.value(branch["return"])
					return result, true, err
				}
			}
		case "return":
			result, err := x.value(content)
			return result, true, err
		case "raise":
			v, err := x.value(content)
			if err == nil {
				err = raised{v}
			}
			return nil, false, err
		case "try":
			return x.try(content.(map[string]any), step["except"].(map[string]any))
		case "call":
			return nil, false, x.call(step)
		case "except", "args", "result":
		default:
			return nil, false, fmt.Errorf("this test does not know the kind of step %s", kind)
		}
	}
	return nil, false, nil
}

func (x *execution) try(step, except map[string]any) (any, bool, error) {
	result, returned, err := x.step(step)
	var caught raised
	if !errors.As(err, &caught) {
		return result, returned, err
	}
	x.variables[except["as"].(string)] = caught.value
	var steps []map[string]any
	for _, s := range except["steps"].([]any) {
		steps = append(steps, s.(map[string]any))
	}
	return x.steps(steps)
}

func (x *execution) call(step map[string]any) error {
	args, err := x.value(step["args"])
	if err != nil {
		return err
	}
	answer, err := x.cloud.call(step["call"].(string), args.(map[string]any))
	if name, ok := step["result"].(string); ok && err == nil {
		x.variables[name] = answer
	}
	return err
}

// value evaluates a value of the file. Texts of the form ${...} in the value are expressions.
func (x *execution) value(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case string:
		text, ok := strings.CutPrefix(v, "${")
		if !ok {
			return v, nil
		}
		// The expressions of workflow.yaml have the same syntax in Go.
		e, err := parser.ParseExpr(strings.TrimSuffix(text, "}"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v, err)
		}
		result, err := x.evaluate(e)
		if err != nil {
			err = fmt.Errorf("%s: %w", v, err)
		}
		return result, err
	case map[string]any:
		made := map[string]any{}
		for name, e := range v {
			if made[name], err = x.value(e); err != nil {
				return nil, err
			}
		}
		return made, nil
	case []any:
		made := make([]any, len(v))
		for i, e := range v {
			if made[i], err = x.value(e); err != nil {
				return nil, err
			}
		}
		return made, nil
	}
	return v, nil
}

func (x *execution) evaluate(e ast.Expr) (any, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.INT {
			return strconv.Atoi(e.Value)
		}
		return strconv.Unquote(e.Value)
	case *ast.Ident:
		if e.Name == "true" {
			return true, nil
		}
		v, ok := x.variables[e.Name]
		if !ok {
			return nil, fmt.Errorf("there is no variable %s", e.Name)
		}
		return v, nil
	case *ast.SelectorExpr:
		return x.member(e.X, e.Sel.Name)
	case *ast.IndexExpr:
		name, err := x.evaluate(e.Index)
		if err != nil {
			return nil, err
		}
		return x.member(e.X, fmt.Sprint(name))
	case *ast.BinaryExpr:
		return x.operation(e)
	case *ast.CallExpr:
		return x.function(e)
	}
	return nil, fmt.Errorf("this test does not know the expression %T", e)
}

func (x *execution) member(of ast.Expr, name string) (any, error) {
	v, err := x.evaluate(of)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if _, has := m[name]; !ok || !has {
		return nil, fmt.Errorf("KeyError: there is no %s in %v", name, v)
	}
	return m[name], nil
}

func (x *execution) operation(e *ast.BinaryExpr) (any, error) {
	left, errLeft := x.evaluate(e.X)
	right, errRight := x.evaluate(e.Y)
	if err := errors.Join(errLeft, errRight); err != nil {
		return nil, err
	}
	switch e.Op {
	case token.EQL:
		return reflect.DeepEqual(left, right), nil
	case token.NEQ:
		return !reflect.DeepEqual(left, right), nil
	case token.ADD:
		a, okLeft := left.(string)
		b, okRight := right.(string)
		if okLeft && okRight {
			return a + b, nil
		}
	default:
	}
	return nil, fmt.Errorf("TypeError: %v %s %v", left, e.Op, right)
}

func (x *execution) function(e *ast.CallExpr) (any, error) {
	of, ok := e.Fun.(*ast.SelectorExpr)
	if !ok || len(e.Args) != 1 {
		return nil, errors.New("that function is not known here")
	}
	argument, err := x.evaluate(e.Args[0])
	if err != nil {
		return nil, err
	}
	text, _ := argument.(string)
	switch name := of.X.(*ast.Ident).Name + "." + of.Sel.Name; name {
	case "sys.get_env":
		v, ok := environment[text]
		if !ok {
			return nil, fmt.Errorf("KeyError: there is no variable %s of the environment", text)
		}
		return v, nil
	case "base64.decode":
		data, err := base64.StdEncoding.DecodeString(text)
		return string(data), err
	case "json.decode":
		var v any
		err := json.Unmarshal([]byte(text), &v)
		return v, err
	case "text.url_encode":
		return url.QueryEscape(text), nil
	default:
		return nil, fmt.Errorf("this test does not know the function %s", name)
	}
}
