/** Notifications in a Spring application. */
package io.payseal.spring;
