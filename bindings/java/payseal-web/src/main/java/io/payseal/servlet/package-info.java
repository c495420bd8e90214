/** Notifications in a servlet container. */
package io.payseal.servlet;
