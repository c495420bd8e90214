// Command gin-shop is a small shop on Gin that takes money through WeChat Pay and Alipay with payseal.
//
// Usage:
//
//	gin-shop --wechat config.json --alipay config-alipay.json [--listen 127.0.0.1:8080] [--public-url https://shop.example] [--page DIR]
//
// The files are payseal configurations; the sandbox writes both. When the shop is ready it prints one line, "shop: http://…"; its log
// goes to standard error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	payseal "github.com/payseal/payseal/bindings/go"
)

func main() {
	var settings settings
	flag.StringVar(&settings.wechat, "wechat", "", "payseal configuration `file` of WeChat Pay, required")
	flag.StringVar(&settings.alipay, "alipay", "", "payseal configuration `file` of Alipay, required")
	flag.StringVar(&settings.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	flag.StringVar(&settings.publicURL, "public-url", "", "base `URL` under which the providers and buyers reach this shop; default its own address")
	flag.StringVar(&settings.page, "page", "", "`folder` of the shop's page; default examples/page of this repository")
	flag.Parse()

	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, settings, logger); err != nil {
		logger.Error("the shop ended", "error", err)
		os.Exit(1)
	}
}

type settings struct {
	wechat, alipay, listen, publicURL, page string
}

// run serves until ctx ends, then lets the requests under way finish.
func run(ctx context.Context, settings settings, logger *slog.Logger) error {
	wechat, err := openClient(settings.wechat, logger)
	if err != nil {
		return err
	}
	defer wechat.Close()
	alipay, err := openClient(settings.alipay, logger)
	if err != nil {
		return err
	}
	defer alipay.Close()
	sandbox, err := firstHost(settings.wechat)
	if err != nil {
		return err
	}

	if settings.page == "" {
		if settings.page, err = findPage(); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", settings.listen)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	if settings.publicURL == "" {
		settings.publicURL = address
	}
	shop := &shop{wechat: wechat, alipay: alipay, orders: newOrders(), logger: logger, publicURL: settings.publicURL, sandbox: sandbox}
	server := &http.Server{Handler: shop.routes(settings.page), ReadHeaderTimeout: 5 * time.Second}

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Println("shop:", address)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}

func openClient(file string, logger *slog.Logger) (*payseal.Client, error) {
	config, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	client, err := payseal.NewClientFromJSON(config, payseal.WithLogger(logger))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return client, nil
}

// firstHost is where the page finds the sandbox's wx.js.
func firstHost(file string) (string, error) {
	config, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var named struct {
		Hosts []string `json:"hosts"`
	}
	if err := json.Unmarshal(config, &named); err != nil || len(named.Hosts) == 0 {
		return "", err
	}
	return named.Hosts[0], nil
}

// findPage looks for examples/page upwards from the program and from the working directory.
func findPage() (string, error) {
	program, _ := os.Executable()
	working, _ := os.Getwd()
	for _, dir := range []string{filepath.Dir(program), working} {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			page := filepath.Join(dir, "examples", "page")
			if _, err := os.Stat(filepath.Join(page, "index.html")); err == nil {
				return page, nil
			}
		}
	}
	return "", errors.New("examples/page was not found: name it with --page")
}
