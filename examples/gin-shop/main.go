// Command gin-shop is a small shop on Gin that takes money through WeChat Pay and Alipay with payseal.
//
// Usage:
//
//	gin-shop --wechat config.json --alipay config-alipay.json [--listen 127.0.0.1:8080] [--public-url https://shop.example] [--page DIR]
//
// The files are payseal configurations; the sandbox writes both. Orders are kept in the database that DATABASE_URL names, sqlite:PATH,
// postgres://… or mysql://…; without it in the file shop.db. When the shop is ready it prints one line, "shop: http://…"; its log goes to standard
// error.
package main

import (
	"cmp"
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
	settings := settings{database: cmp.Or(os.Getenv("DATABASE_URL"), "sqlite:shop.db")}
	flag.StringVar(&settings.wechat, "wechat", "", "payseal configuration `file` of WeChat Pay, required")
	flag.StringVar(&settings.alipay, "alipay", "", "payseal configuration `file` of Alipay, required")
	flag.StringVar(&settings.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	flag.StringVar(&settings.publicURL, "public-url", "", "base `URL` under which the providers and buyers reach this shop; default its own address")
	flag.StringVar(&settings.page, "page", "", "`folder` of the shop's pages; default examples/page of this repository")
	flag.Parse()
	if settings.wechat == "" || settings.alipay == "" {
		fmt.Fprintln(os.Stderr, "gin-shop: --wechat and --alipay are required, a payseal configuration each")
		flag.Usage()
		os.Exit(2)
	}

	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, settings, logger); err != nil {
		logger.Error("the shop ended", "error", err)
		os.Exit(1)
	}
}

type settings struct {
	database string // a secret: it may have a password

	wechat, alipay, listen, publicURL, page string
}

// run serves and works until ctx ends, then lets what is under way finish.
func run(ctx context.Context, settings settings, logger *slog.Logger) error {
	if settings.page == "" {
		var err error
		if settings.page, err = findPage(); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", settings.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	address := "http://" + listener.Addr().String()
	settings.publicURL = cmp.Or(settings.publicURL, address)
	shop, err := openShop(settings, logger)
	if err != nil {
		return err
	}
	defer shop.close()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served, worked := make(chan error, 1), make(chan error, 1)
	server := &http.Server{Handler: shop.routes(settings.page), ReadHeaderTimeout: 5 * time.Second}
	go func() { // what ends the one ends the other
		served <- server.Serve(listener)
		stop()
	}()
	go func() {
		worked <- shop.runner().Run(ctx)
		stop()
	}()
	fmt.Println("shop:", address)
	<-ctx.Done()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(server.Shutdown(bounded), <-worked)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
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
