package payseal_test

import (
	"os"
	"strings"
	"testing"
)

func TestTheReadmesProgramIsTheCompiledExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	program := strings.NewReplacer("package payseal_test", "package main", "func Example()", "func main()").Replace(string(example))
	if !strings.Contains(string(readme), "```go\n"+program+"```\n") {
		t.Error("README.md shows another program than example_test.go")
	}
}
